//! Quantities of a scenario with their units: bandwidth, bytes, time, speed, power.
//!
//! In a file a quantity is a string such as `"10 Mbps"`; a bare number is an
//! error that names the units, because a number alone says nothing about what
//! was meant. Inside, each type holds its base unit and shows it only through
//! accessors that name it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A unit and what one of it is in base units: `times / over`.
///
/// Two whole numbers instead of one factor, because `30 / 1000` is the double
/// nearest to 0.03 and `30 * 0.001` need not be.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    /// As written in a file.
    pub name: &'static str,
    times: f64,
    over: f64,
}

const fn unit(name: &'static str, times: f64, over: f64) -> Unit {
    Unit { name, times, over }
}

/// A number with a unit, as the scenario's keys know it.
pub trait Quantity:
    Copy
    + fmt::Debug
    + PartialEq
    + fmt::Display
    + FromStr<Err = QuantityError>
    + de::DeserializeOwned
    + Serialize
{
    /// What it is, with its article: `a bandwidth`.
    const WHAT: &'static str;
    /// The units that it may be written in; the first is the base unit.
    const UNITS: &'static [Unit];
    /// How it is written in a file; a quantity whose only unit has no name is a bare number.
    const EXAMPLE: &'static str;
    /// Whether zero has no meaning (a link of 0 bit/s never delivers).
    const POSITIVE: bool;
    /// Smallest value above zero, in base units, that the simulator can work with.
    const SMALLEST: f64;
    /// Largest value in base units that the simulator can work with.
    const LARGEST: f64;

    /// From a number of base units, refused when it is no such quantity.
    ///
    /// # Errors
    /// Not finite, negative, zero where zero has no meaning, or outside
    /// [`Quantity::SMALLEST`] to [`Quantity::LARGEST`].
    fn try_from_base(base: f64) -> Result<Self, QuantityError>;

    /// The number of base units.
    fn base(self) -> f64;
}

/// Why a text or a number is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantityError {
    message: String,
    way_out: Option<String>,
}

impl QuantityError {
    /// What was wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// The message, and on a second line the way out where there is one.
impl fmt::Display for QuantityError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        if let Some(way_out) = &self.way_out {
            write!(out, "\n{way_out}")?;
        }
        Ok(())
    }
}

impl std::error::Error for QuantityError {}

fn checked<Q: Quantity>(base: f64) -> Result<f64, QuantityError> {
    let refuse = |why: &str| {
        Err(QuantityError {
            message: format!("{} {why}", Q::WHAT),
            way_out: Some(format!("write it as {}", example::<Q>())),
        })
    };
    if base.is_nan() {
        refuse("must be a number")
    } else if base.is_infinite() {
        refuse("must be finite")
    } else if base < 0.0 {
        refuse("cannot be negative")
    } else if base == 0.0 && Q::POSITIVE {
        refuse("must be above zero")
    } else if base != 0.0 && base < Q::SMALLEST {
        let smallest = format!("{:e} {}", Q::SMALLEST, Q::UNITS[0].name);
        let smallest = smallest.trim_end();
        refuse(&format!("of less than {smallest} cannot be simulated"))
    } else if base > Q::LARGEST {
        let unit = Q::UNITS[0].name;
        let largest = match Q::LARGEST {
            small if small < 1e4 => format!("{small} {unit}"),
            large => format!("{large:e} {unit}"),
        };
        let largest = largest.trim_end();
        refuse(&format!("of more than {largest} cannot be simulated"))
    } else {
        // -0.0 would be written back as "-0".
        Ok(base + 0.0)
    }
}

fn known_units<Q: Quantity>() -> String {
    let names: Vec<&str> = Q::UNITS.iter().map(|unit| unit.name).collect();
    names.join(", ")
}

fn parse<Q: Quantity>(text: &str) -> Result<f64, QuantityError> {
    let text = text.trim();
    let (number, unit) = split(text);
    if text.is_empty() {
        return Err(QuantityError {
            message: format!("expected {}, found an empty string", Q::WHAT),
            way_out: Some(format!("write it as \"{}\"", Q::EXAMPLE)),
        });
    }
    let Ok(value) = number.parse::<f64>() else {
        return Err(QuantityError {
            message: format!("`{text}` does not begin with a number"),
            way_out: Some(format!("write {} as \"{}\"", Q::WHAT, Q::EXAMPLE)),
        });
    };
    if is_plain::<Q>() {
        return if unit.is_empty() {
            Ok(value)
        } else {
            Err(QuantityError {
                message: format!("`{text}` has a unit; {} has none", Q::WHAT),
                way_out: Some(format!("write a number such as {}", Q::EXAMPLE)),
            })
        };
    }
    if unit.is_empty() {
        return Err(QuantityError {
            message: format!("`{text}` has no unit; {} needs one", Q::WHAT),
            way_out: Some(format!(
                "units: {}; such as \"{}\"",
                known_units::<Q>(),
                Q::EXAMPLE
            )),
        });
    }
    // "µ" has two code points; both are meant.
    let plain = unit.replace('\u{3bc}', "\u{b5}");
    let Some(known) = Q::UNITS.iter().find(|known| known.name == plain) else {
        let near = nearest(&plain, Q::UNITS.iter().map(|unit| unit.name));
        return Err(QuantityError {
            message: format!("unknown unit `{unit}` for {}", Q::WHAT),
            way_out: Some(match near {
                Some(near) => format!("did you mean `{near}`? units: {}", known_units::<Q>()),
                None => format!("units: {}", known_units::<Q>()),
            }),
        });
    };
    Ok(value * known.times / known.over)
}

/// How it is written in a file, quotes included.
pub(crate) fn example<Q: Quantity>() -> String {
    if is_plain::<Q>() {
        Q::EXAMPLE.to_owned()
    } else {
        format!("\"{}\"", Q::EXAMPLE)
    }
}

/// Whether the quantity is a bare number.
pub(crate) fn is_plain<Q: Quantity>() -> bool {
    Q::UNITS[0].name.is_empty()
}

/// A parameter of a distribution over `Q`, in base units: such as `Q` itself,
/// but zero is allowed, because a spread or a lower end may be zero.
pub(crate) fn parse_parameter<Q: Quantity>(text: &str) -> Result<f64, QuantityError> {
    let base = parse::<Q>(text)?;
    if base == 0.0 {
        Ok(0.0)
    } else {
        checked::<Q>(base)
    }
}

/// Number and unit, where the unit begins with the first letter that cannot
/// belong to the number (`1e3 B`, `2.5kB`, `nan W`).
fn split(text: &str) -> (&str, &str) {
    if let Some((number, unit)) = text.split_once(char::is_whitespace) {
        return (number, unit.trim());
    }
    let bytes = text.as_bytes();
    let mut end = text.len();
    for (index, letter) in text.char_indices() {
        let exponent = matches!(letter, 'e' | 'E')
            && bytes
                .get(index + 1)
                .is_some_and(|next| next.is_ascii_digit() || matches!(next, b'+' | b'-'));
        if !(letter.is_ascii_digit() || matches!(letter, '+' | '-' | '.' | '_') || exponent) {
            end = index;
            break;
        }
    }
    text.split_at(end)
}

/// The candidate that a slip of the keys most likely meant, if any is near.
pub(crate) fn nearest<'a>(
    found: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            let same = candidate.eq_ignore_ascii_case(found);
            let score = strsim::jaro_winkler(&candidate.to_lowercase(), &found.to_lowercase());
            (if same { 2.0 } else { score }, candidate)
        })
        .filter(|(score, _)| *score > 0.7)
        // The first of equals, so that the answer does not hang on the list's end.
        .fold(None, |best: Option<(f64, &str)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        })
        .map(|(_, candidate)| candidate)
}

/// The shortest way to write the value from which [`parse`] gets it back to the bit.
pub(crate) fn written<Q: Quantity>(base: f64) -> String {
    if is_plain::<Q>() {
        return base.to_string();
    }
    let mut best = format!("{base} {}", Q::UNITS[0].name);
    for unit in &Q::UNITS[1..] {
        let value = base * unit.over / unit.times;
        let text = format!("{value} {}", unit.name);
        let back = value * unit.times / unit.over;
        if back.to_bits() == base.to_bits() && value >= 1.0 && text.len() < best.len() {
            best = text;
        }
    }
    best
}

struct QuantityVisitor<Q>(std::marker::PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for QuantityVisitor<Q> {
    type Value = Q;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} with its unit, such as \"{}\"", Q::WHAT, Q::EXAMPLE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Q, E> {
        bare(number as f64)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Q, E> {
        bare(number as f64)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Q, E> {
        bare(number)
    }
}

/// A number given without a unit.
pub(crate) fn bare<Q: Quantity, E: de::Error>(number: f64) -> Result<Q, E> {
    if is_plain::<Q>() {
        Q::try_from_base(number).map_err(E::custom)
    } else {
        Err(bare_number::<Q, E>(&number))
    }
}

pub(crate) fn bare_number<Q: Quantity, E: de::Error>(number: &dyn fmt::Display) -> E {
    let usual = Q::EXAMPLE.split_once(' ').map_or("", |(_, unit)| unit);
    // A long number was most likely meant in base units.
    let digits = number.to_string();
    // Of a whole, 1 was meant to be all of it.
    let part = digits
        .parse::<f64>()
        .ok()
        .filter(|part| Q::UNITS.len() == 1 && *part <= 1.0);
    if let Some(part) = part {
        return E::custom(format!(
            "the number {number} has no unit; {} needs one\nwrite \"{} {usual}\"",
            Q::WHAT,
            100.0 * part
        ));
    }
    let unit = if digits.len() > 5 {
        Q::UNITS[0].name
    } else {
        usual
    };
    E::custom(format!(
        "the number {number} has no unit; {what} needs one\n\
         write \"{number} {unit}\", or another unit: {known}",
        what = Q::WHAT,
        known = known_units::<Q>(),
    ))
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, what: $what:literal, example: $example:literal,
     positive: $positive:literal, smallest: $smallest:literal, largest: $largest:literal, from: $from:ident, to: $to:ident,
     unit: $unit:literal, units: [$($units:expr),* $(,)?]) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            #[doc = concat!("From a number of ", $unit, ".")]
            ///
            /// # Panics
            /// The number is not finite, negative, too large, or zero where zero has no
            /// meaning; text from outside goes through [`FromStr`].
            #[must_use]
            pub fn $from(base: f64) -> Self {
                match Self::try_from_base(base) {
                    Ok(quantity) => quantity,
                    Err(error) => panic!("{base} {}: {}", $unit, error.message()),
                }
            }

            #[doc = concat!("The number of ", $unit, ".")]
            #[must_use]
            pub fn $to(self) -> f64 {
                self.0
            }
        }

        impl Quantity for $name {
            const WHAT: &'static str = $what;
            const UNITS: &'static [Unit] = &[$($units),*];
            const EXAMPLE: &'static str = $example;
            const POSITIVE: bool = $positive;
            const SMALLEST: f64 = $smallest;
            const LARGEST: f64 = $largest;

            fn try_from_base(base: f64) -> Result<Self, QuantityError> {
                checked::<Self>(base).map(Self)
            }

            fn base(self) -> f64 {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = QuantityError;

            fn from_str(text: &str) -> Result<Self, QuantityError> {
                parse::<Self>(text).and_then(Self::try_from_base)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&written::<Self>(self.0))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if is_plain::<Self>() {
                    serializer.serialize_f64(self.0)
                } else {
                    serializer.collect_str(self)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(QuantityVisitor(std::marker::PhantomData))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                quantity_schema::<Self>()
            }
        }
    };
}

fn quantity_schema<Q: Quantity>() -> Schema {
    if is_plain::<Q>() {
        return json_schema!({
            "type": "number",
            "description": format!("{}, from {} to {}.", capitalised(Q::WHAT), Q::SMALLEST, Q::LARGEST),
            "minimum": Q::SMALLEST,
            "maximum": Q::LARGEST,
        });
    }
    let units: Vec<String> = Q::UNITS
        .iter()
        .map(|unit| unit.name.replace('/', "\\/"))
        .collect();
    json_schema!({
        "type": "string",
        "description": format!("{} with its unit: {}.", capitalised(Q::WHAT), known_units::<Q>()),
        "pattern": format!(
            r"^\s*[+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?\s*({})\s*$",
            units.join("|")
        ),
        "examples": [Q::EXAMPLE],
    })
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

quantity!(
    /// Bits per second of a link.
    Bandwidth, what: "a bandwidth", example: "10 Mbps", positive: true,
    smallest: 8e-3, largest: 8e15,
    from: from_bits_per_second, to: bits_per_second, unit: "bit/s",
    units: [
        unit("bit/s", 1.0, 1.0), unit("kbit/s", 1e3, 1.0), unit("Mbit/s", 1e6, 1.0),
        unit("Gbit/s", 1e9, 1.0), unit("bps", 1.0, 1.0), unit("kbps", 1e3, 1.0),
        unit("Mbps", 1e6, 1.0), unit("Gbps", 1e9, 1.0), unit("B/s", 8.0, 1.0),
        unit("kB/s", 8e3, 1.0), unit("MB/s", 8e6, 1.0), unit("GB/s", 8e9, 1.0),
        unit("KiB/s", 8192.0, 1.0), unit("MiB/s", 8_388_608.0, 1.0),
        unit("GiB/s", 8_589_934_592.0, 1.0),
    ]
);

quantity!(
    /// An amount of data or memory.
    Bytes, what: "a number of bytes", example: "2 MB", positive: false, smallest: 0.0,
    largest: 9_007_199_254_740_992.0,
    from: from_bytes, to: bytes, unit: "bytes",
    units: [
        unit("B", 1.0, 1.0), unit("kB", 1e3, 1.0), unit("MB", 1e6, 1.0), unit("GB", 1e9, 1.0),
        unit("TB", 1e12, 1.0), unit("KiB", 1024.0, 1.0), unit("MiB", 1_048_576.0, 1.0),
        unit("GiB", 1_073_741_824.0, 1.0), unit("TiB", 1_099_511_627_776.0, 1.0),
    ]
);

quantity!(
    /// A length of simulated time.
    Duration, what: "a time", example: "30 s", positive: false, smallest: 0.0, largest: 9e9,
    from: from_seconds, to: seconds, unit: "seconds",
    units: [
        unit("s", 1.0, 1.0), unit("ms", 1.0, 1e3), unit("us", 1.0, 1e6),
        unit("\u{b5}s", 1.0, 1e6), unit("ns", 1.0, 1e9), unit("min", 60.0, 1.0),
        unit("h", 3600.0, 1.0), unit("d", 86400.0, 1.0),
    ]
);

quantity!(
    /// Effective floating-point operations per second.
    ComputeSpeed, what: "a compute speed", example: "20 GFLOP/s", positive: true, smallest: 0.0, largest: 1e24,
    from: from_flops_per_second, to: flops_per_second, unit: "FLOP/s",
    units: [
        unit("FLOP/s", 1.0, 1.0), unit("kFLOP/s", 1e3, 1.0), unit("MFLOP/s", 1e6, 1.0),
        unit("GFLOP/s", 1e9, 1.0), unit("TFLOP/s", 1e12, 1.0), unit("PFLOP/s", 1e15, 1.0),
    ]
);

quantity!(
    /// An amount of floating-point work.
    Flops, what: "an amount of work", example: "2 GFLOP", positive: false, smallest: 0.0, largest: 1e24,
    from: from_flops, to: flops, unit: "FLOP",
    units: [
        unit("FLOP", 1.0, 1.0), unit("kFLOP", 1e3, 1.0), unit("MFLOP", 1e6, 1.0),
        unit("GFLOP", 1e9, 1.0), unit("TFLOP", 1e12, 1.0), unit("PFLOP", 1e15, 1.0),
        unit("EFLOP", 1e18, 1.0),
    ]
);

quantity!(
    /// A factor on something, such as a speed.
    Factor, what: "a factor", example: "0.9", positive: true, smallest: 1e-3, largest: 1e3,
    from: from_number, to: number, unit: "a factor",
    units: [unit("", 1.0, 1.0)]
);

quantity!(
    /// Electrical power.
    Power, what: "a power", example: "5 W", positive: false, smallest: 0.0, largest: 1e12,
    from: from_watts, to: watts, unit: "watts",
    units: [
        unit("W", 1.0, 1.0), unit("mW", 1.0, 1e3), unit("kW", 1e3, 1.0), unit("MW", 1e6, 1.0),
    ]
);

quantity!(
    /// An amount of energy.
    Energy, what: "an energy", example: "15 Wh", positive: true, smallest: 1e-6, largest: 1e18,
    from: from_joules, to: joules, unit: "joules",
    units: [
        unit("J", 1.0, 1.0), unit("kJ", 1e3, 1.0), unit("MJ", 1e6, 1.0),
        unit("mWh", 3.6, 1.0), unit("Wh", 3600.0, 1.0), unit("kWh", 3.6e6, 1.0),
    ]
);

quantity!(
    /// A part of a whole, such as the level of a battery.
    Share, what: "a share", example: "80 %", positive: false, smallest: 0.0, largest: 100.0,
    from: from_percent, to: percent, unit: "percent",
    units: [unit("%", 1.0, 1.0)]
);

/// No time at all.
impl Default for Duration {
    fn default() -> Self {
        Self(0.0)
    }
}

impl Duration {
    /// Whole nanoseconds, rounded to the nearest.
    #[must_use]
    pub fn nanoseconds(self) -> u64 {
        // At most 9e9 s, so the product fits in 64 bits.
        (self.0 * 1e9).round() as u64
    }

    /// Whether it has no length.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == 0.0
    }
}

impl Bytes {
    /// Whole bytes, rounded to the nearest.
    #[must_use]
    pub fn count(self) -> u64 {
        self.0.round() as u64
    }
}

#[cfg(test)]
mod tests;
