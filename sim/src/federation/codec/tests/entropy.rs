//! The entropy coder against the entropy of what it codes.

use super::*;

/// Bits a symbol if each were coded by how often it occurs.
fn entropy(symbols: &[u8]) -> f64 {
    let mut counts = [0.0; 256];
    for &symbol in symbols {
        counts[usize::from(symbol)] += 1.0;
    }
    let n = symbols.len() as f64;
    let present = counts.iter().filter(|&&count| count > 0.0);
    present.map(|count| count / n * (n / count).log2()).sum()
}

/// Symbols 0 to 255, both ends among them, geometric about 128.
fn symbols(n: usize, mean: f64) -> Vec<u8> {
    let mut draws = Draws::new(8);
    let ratio = mean / (1.0 + mean);
    let mut symbols: Vec<u8> = (0..n)
        .map(|_| {
            let size = (draws.next().max(1e-12).ln() / ratio.ln()).floor();
            let sign = if draws.next() < 0.5 { -1.0 } else { 1.0 };
            (128.0 + sign * size).clamp(0.0, 255.0) as u8
        })
        .collect();
    (symbols[0], symbols[1]) = (0, 255);
    symbols
}

#[test]
fn long_streams_take_their_entropy_and_two_percent() {
    let codec = codec(&[uniform(8, RawRounding::Nearest), RawCodecStage::Entropy]);
    for mean in [0.02, 0.1, 1.0, 10.0, 40.0] {
        let symbols = symbols(300_000, mean);
        let values: Vec<f32> = symbols.iter().map(|&symbol| f32::from(symbol)).collect();
        let encoded = bytes(&codec, &values, 0);
        let decoded = codec.decode(&encoded, values.len(), 0, &Receiver::default());
        assert_eq!(decoded.expect("what was encoded decodes").values, values);
        let entropy = entropy(&symbols) * symbols.len() as f64 / 8.0;
        // The range of the values, the two lengths, and the coder's last word.
        let header = 8.0 + 6.0 + 8.0;
        let ratio = (encoded.len() as f64 - header) / entropy;
        assert!(ratio < 1.02, "mean {mean}: {ratio} of {entropy} bytes");
        assert!(
            encoded.len() as f64 > 0.99 * entropy,
            "mean {mean}: {ratio}"
        );
    }
}

#[test]
fn symbols_of_odd_widths_are_seen_whole() {
    // In five bits, seven of eight values are the middle one: 0.544 + bits.
    let codec = codec(&[uniform(5, RawRounding::Nearest), RawCodecStage::Entropy]);
    let mut draws = Draws::new(6);
    let symbols: Vec<u8> = (0..100_000)
        .map(|at| match (at, draws.next() < 0.875) {
            (0, _) => 0,
            (1, _) => 31,
            (_, true) => 16,
            (_, false) => 17,
        })
        .collect();
    let values: Vec<f32> = symbols.iter().map(|&symbol| f32::from(symbol)).collect();
    let length = bytes(&codec, &values, 0).len() as f64;
    let entropy = entropy(&symbols) * symbols.len() as f64 / 8.0;
    assert!(
        length < 1.02 * entropy + 22.0,
        "{length} bytes of {entropy}"
    );
}

#[test]
fn what_cannot_be_shortened_costs_one_byte() {
    let mut draws = Draws::new(1);
    let values: Vec<f32> = (0..1000).map(|_| draws.next() as f32).collect();
    // Full of chance in every bit of six.
    let stages = [uniform(6, RawRounding::Nearest)];
    let plain = bytes(&codec(&stages), &values, 0);
    let coded = bytes(
        &codec(&[stages[0].clone(), RawCodecStage::Entropy]),
        &values,
        0,
    );
    assert_eq!(coded.len(), plain.len() + 1);
    assert_eq!(coded[1..], plain);
    assert_eq!(bytes(&codec(&[RawCodecStage::Entropy]), &[], 0), [0]);
}

#[test]
fn nothing_but_zeros_takes_next_to_nothing() {
    let codec = codec(&[RawCodecStage::Entropy]);
    assert!(bytes(&codec, &vec![0.0; 100_000], 0).len() < 64);
    assert_eq!(received(&codec, &vec![0.0; 1000], 0), vec![0.0; 1000]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn coding_loses_nothing(words in prop::collection::vec(any::<u32>(), 0..300), repeat in 1_usize..40) {
        let values: Vec<f32> = words.repeat(repeat).into_iter().map(f32::from_bits).collect();
        let values: Vec<f32> = values.into_iter().filter(|value| value.is_finite()).collect();
        let received = received(&codec(&[RawCodecStage::Entropy]), &values, 0);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&received), bits(&values));
    }
}
