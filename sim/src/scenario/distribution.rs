//! The distributions of `rand_distr` that a scenario can name, with their parameters.
//!
//! One row a distribution: its name, its parameters in the order in which its
//! draw takes them, and which of them are in the unit of what is drawn.

use rand::{Rng, SeedableRng};
use rand_distr::Distribution as _;

/// A parameter of a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    /// Whether it is written with the unit of the drawn quantity.
    pub(crate) has_unit: bool,
    pub(crate) meaning: &'static str,
}

/// A distribution that a scenario can name.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    /// Every key of its table, for the message about an unknown one.
    pub(crate) keys: &'static [&'static str],
    pub(crate) parameters: &'static [Parameter],
    draw: fn(&[f64], &mut dyn Rng) -> Result<f64, String>,
}

/// Two families are the same when they have the same name.
impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Family {
    /// One draw in base units.
    pub(crate) fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> Result<f64, String> {
        (self.draw)(parameters, rng)
    }

    /// Whether the parameters make a distribution; the text says why not.
    pub(crate) fn check(&self, parameters: &[f64]) -> Result<(), String> {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
        self.draw(parameters, &mut rng).map(|_| ())
    }
}

/// The family of that name.
pub(crate) fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

const fn in_unit(name: &'static str, meaning: &'static str) -> Parameter {
    Parameter {
        name,
        has_unit: true,
        meaning,
    }
}

const fn plain(name: &'static str, meaning: &'static str) -> Parameter {
    Parameter {
        name,
        has_unit: false,
        meaning,
    }
}

fn why(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn require(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

macro_rules! families {
    ($( $name:literal [ $( $kind:ident $key:literal $meaning:literal ),* ] $draw:expr ),* $(,)?) => {
        /// Every distribution that a scenario can name.
        pub(crate) const FAMILIES: &[Family] = &[ $( Family {
            name: $name,
            keys: &["dist", $($key,)* "min", "max"],
            parameters: &[ $( $kind($key, $meaning) ),* ],
            draw: $draw,
        } ),* ];
        /// Their names.
        pub(crate) const NAMES: &[&str] = &[ $( $name ),* ];
    };
}

families! {
    "uniform" [in_unit "low" "smallest value", in_unit "high" "largest value"] |p, rng| {
        require(p[0] <= p[1], "`low` is above `high`")?;
        Ok(rand_distr::Uniform::new_inclusive(p[0], p[1]).map_err(why)?.sample(rng))
    },
    "normal" [in_unit "mean" "mean", in_unit "sd" "standard deviation"] |p, rng| {
        Ok(rand_distr::Normal::new(p[0], p[1]).map_err(why)?.sample(rng))
    },
    "lognormal" [in_unit "median" "median", plain "sigma" "standard deviation of the logarithm"] |p, rng| {
        require(p[0] > 0.0, "`median` must be above zero")?;
        require(p[1] >= 0.0, "`sigma` cannot be negative")?;
        Ok(rand_distr::LogNormal::new(p[0].ln(), p[1]).map_err(why)?.sample(rng))
    },
    "exponential" [in_unit "mean" "mean"] |p, rng| {
        require(p[0] > 0.0, "`mean` must be above zero")?;
        Ok(rand_distr::Exp::new(1.0 / p[0]).map_err(why)?.sample(rng))
    },
    "gamma" [in_unit "mean" "mean", plain "shape" "shape k; the coefficient of variation is 1/√k"] |p, rng| {
        require(p[0] > 0.0 && p[1] > 0.0, "`mean` and `shape` must be above zero")?;
        Ok(rand_distr::Gamma::new(p[1], p[0] / p[1]).map_err(why)?.sample(rng))
    },
    "chi-squared" [in_unit "mean" "mean", plain "freedom" "degrees of freedom"] |p, rng| {
        require(p[1] > 0.0, "`freedom` must be above zero")?;
        Ok(rand_distr::ChiSquared::new(p[1]).map_err(why)?.sample(rng) * p[0] / p[1])
    },
    "fisher-f" [in_unit "scale" "multiplies the draw", plain "m" "degrees of freedom above", plain "n" "degrees of freedom below"] |p, rng| {
        Ok(rand_distr::FisherF::new(p[1], p[2]).map_err(why)?.sample(rng) * p[0])
    },
    "beta" [in_unit "low" "value at 0", in_unit "high" "value at 1", plain "alpha" "first shape", plain "beta" "second shape"] |p, rng| {
        require(p[0] <= p[1], "`low` is above `high`")?;
        Ok(p[0] + (p[1] - p[0]) * rand_distr::Beta::new(p[2], p[3]).map_err(why)?.sample(rng))
    },
    "weibull" [in_unit "scale" "scale λ", plain "shape" "shape k"] |p, rng| {
        Ok(rand_distr::Weibull::new(p[0], p[1]).map_err(why)?.sample(rng))
    },
    "pareto" [in_unit "scale" "smallest value", plain "shape" "shape α"] |p, rng| {
        Ok(rand_distr::Pareto::new(p[0], p[1]).map_err(why)?.sample(rng))
    },
    "triangular" [in_unit "low" "smallest value", in_unit "mode" "most likely value", in_unit "high" "largest value"] |p, rng| {
        Ok(rand_distr::Triangular::new(p[0], p[2], p[1]).map_err(why)?.sample(rng))
    },
    "pert" [in_unit "low" "smallest value", in_unit "mode" "most likely value", in_unit "high" "largest value"] |p, rng| {
        Ok(rand_distr::Pert::new(p[0], p[2]).with_mode(p[1]).map_err(why)?.sample(rng))
    },
    "inverse-gaussian" [in_unit "mean" "mean μ", in_unit "shape" "shape λ"] |p, rng| {
        Ok(rand_distr::InverseGaussian::new(p[0], p[1]).map_err(why)?.sample(rng))
    },
    "frechet" [in_unit "location" "smallest value", in_unit "scale" "scale", plain "shape" "shape α"] |p, rng| {
        Ok(rand_distr::Frechet::new(p[0], p[1], p[2]).map_err(why)?.sample(rng))
    },
    "gumbel" [in_unit "location" "mode", in_unit "scale" "scale"] |p, rng| {
        Ok(rand_distr::Gumbel::new(p[0], p[1]).map_err(why)?.sample(rng))
    },
    "skew-normal" [in_unit "location" "location ξ", in_unit "scale" "scale ω", plain "shape" "shape α"] |p, rng| {
        Ok(rand_distr::SkewNormal::new(p[0], p[1], p[2]).map_err(why)?.sample(rng))
    },
    "student-t" [in_unit "location" "median", in_unit "scale" "scale", plain "freedom" "degrees of freedom"] |p, rng| {
        require(p[2] > 0.0, "`freedom` must be above zero")?;
        Ok(p[0] + p[1] * rand_distr::StudentT::new(p[2]).map_err(why)?.sample(rng))
    },
    "cauchy" [in_unit "median" "median", in_unit "scale" "half width at half maximum"] |p, rng| {
        Ok(rand_distr::Cauchy::new(p[0], p[1]).map_err(why)?.sample(rng))
    },
    "normal-inverse-gaussian" [in_unit "location" "location", in_unit "scale" "scale", plain "alpha" "tail heaviness", plain "beta" "asymmetry"] |p, rng| {
        Ok(p[0] + p[1] * rand_distr::NormalInverseGaussian::new(p[2], p[3]).map_err(why)?.sample(rng))
    },
}
