//! A table with reusable places: what is live has a small number, and memory follows the live ones.

/// Values in numbered places; a place is used again after its value is gone.
#[derive(Debug)]
pub(super) struct Slots<T> {
    places: Vec<Option<T>>,
    vacant: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots {
            places: Vec::new(),
            vacant: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    /// Puts `value` into a free place and tells which.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.vacant.pop() {
            self.places[slot as usize] = Some(value);
            return slot;
        }
        let slot =
            u32::try_from(self.places.len()).unwrap_or_else(|_| unreachable!("2³² live entries"));
        self.places.push(Some(value));
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let value = self.places.get_mut(slot as usize)?.take()?;
        self.vacant.push(slot);
        Some(value)
    }

    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        self.places.get(slot as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.places.get_mut(slot as usize)?.as_mut()
    }

    /// The live values, by place.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len() - self.vacant.len()
    }
}

/// # Panics
/// If the place is empty: a slot number outlived its value.
impl<T> std::ops::Index<u32> for Slots<T> {
    type Output = T;

    fn index(&self, slot: u32) -> &T {
        self.get(slot)
            .unwrap_or_else(|| unreachable!("slot {slot} is empty"))
    }
}

impl<T> std::ops::IndexMut<u32> for Slots<T> {
    fn index_mut(&mut self, slot: u32) -> &mut T {
        self.get_mut(slot)
            .unwrap_or_else(|| unreachable!("slot {slot} is empty"))
    }
}
