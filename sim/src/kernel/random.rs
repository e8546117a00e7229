//! Random streams: one per (seed, entity, purpose), so that no draw moves another.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A stream of random numbers of its own.
pub type Stream = ChaCha8Rng;

/// Makes the streams of one seed.
///
/// A stream depends on the seed and its two names alone: adding a client, a
/// table or a method changes no other stream.
#[derive(Debug, Clone, Copy)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The stream of an entity, such as `clinic-3`, for a purpose, such as `dropout`.
    pub fn stream(self, entity: &str, purpose: &str) -> Stream {
        ChaCha8Rng::from_seed(self.digest(entity, purpose))
    }

    /// A seed of an entity for a purpose, for code that makes its own stream.
    pub fn seed(self, entity: &str, purpose: &str) -> u64 {
        let digest = self.digest(entity, purpose);
        u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
    }

    fn digest(self, entity: &str, purpose: &str) -> [u8; 32] {
        // Lengths are hashed so that no two pairs of names run together.
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        for name in [entity, purpose] {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn a_stream_depends_on_seed_entity_and_purpose_and_on_nothing_else() {
        let draw = |seed, entity, purpose| Streams::new(seed).stream(entity, purpose).next_u64();
        let reference = draw(1, "clinic-0", "speed");
        assert_eq!(reference, draw(1, "clinic-0", "speed"));
        assert_ne!(reference, draw(2, "clinic-0", "speed"));
        assert_ne!(reference, draw(1, "clinic-1", "speed"));
        assert_ne!(reference, draw(1, "clinic-0", "link"));
        assert_ne!(draw(1, "ab", "c"), draw(1, "a", "bc"));
    }
}
