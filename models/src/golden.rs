//! Reads the golden figures that `tests/golden/make.py` wrote.

use std::collections::BTreeMap;

/// Lines of a name and its numbers.
pub(crate) struct Golden(BTreeMap<&'static str, Vec<f64>>);

impl Golden {
    pub(crate) fn read(text: &'static str) -> Self {
        let line = |line: &'static str| {
            let mut words = line.split(' ');
            let name = words.next().expect("a name");
            (
                name,
                words.map(|word| word.parse().expect("a number")).collect(),
            )
        };
        Self(text.lines().map(line).collect())
    }

    pub(crate) fn f64s(&self, name: &str) -> &[f64] {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("no golden figures for {name}"))
    }

    pub(crate) fn f32s(&self, name: &str) -> Vec<f32> {
        self.f64s(name).iter().map(|&value| value as f32).collect()
    }

    pub(crate) fn labels(&self, name: &str) -> Vec<u32> {
        self.f64s(name).iter().map(|&value| value as u32).collect()
    }

    /// Asserts that every value is within `tolerance` of its golden figure.
    pub(crate) fn assert_near(&self, name: &str, found: &[f32], tolerance: f64) {
        let exact = self.f64s(name);
        assert_eq!(found.len(), exact.len(), "{name}");
        for (place, (&found, &exact)) in found.iter().zip(exact).enumerate() {
            let error = (f64::from(found) - exact).abs();
            assert!(
                error <= tolerance,
                "{name}[{place}] is {found}, not {exact}"
            );
        }
    }
}
