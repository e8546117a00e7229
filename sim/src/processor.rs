//! The processor's features: fast kernels dispatch on them, so a run's manifest names them.

/// The features of this processor that matter to arithmetic, by the compiler's names.
#[must_use]
pub fn processor_features() -> Vec<String> {
    let mut features: Vec<&str> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! detect {
            ($($name:tt),*) => {
                $(if std::arch::is_x86_feature_detected!($name) { features.push($name); })*
            };
        }
        detect!(
            "sse4.2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl"
        );
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("neon") {
        features.push("neon");
    }
    features.sort_unstable();
    features.into_iter().map(str::to_owned).collect()
}
