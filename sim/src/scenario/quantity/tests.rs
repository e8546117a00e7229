//! Claims about quantities and their units.

use super::*;
use proptest::prelude::*;

fn message<Q: Quantity>(text: &str) -> String {
    text.parse::<Q>()
        .expect_err("not such a quantity")
        .to_string()
}

#[test]
fn prefixes_are_powers_of_ten_and_binary_ones_powers_of_two() {
    let bandwidth = |text: &str| text.parse::<Bandwidth>().map(Bandwidth::bits_per_second);
    assert_eq!(bandwidth("10 Mbps"), Ok(1e7));
    assert_eq!(bandwidth("1250000 B/s"), Ok(1e7));
    assert_eq!(bandwidth("1.25MB/s"), Ok(1e7));
    assert_eq!(bandwidth("1 MiB/s"), Ok(8_388_608.0));
    let bytes = |text: &str| text.parse::<Bytes>().map(Bytes::count);
    assert_eq!(bytes("2 MB"), Ok(2_000_000));
    assert_eq!(bytes("2 MiB"), Ok(2_097_152));
    let speed = "20 GFLOP/s".parse::<ComputeSpeed>();
    assert_eq!(speed.map(ComputeSpeed::flops_per_second), Ok(2e10));
    let power = "250 mW".parse::<Power>();
    assert_eq!(power.map(Power::watts), Ok(0.25));
}

#[test]
fn times_become_whole_nanoseconds() {
    let nanoseconds = |text: &str| text.parse::<Duration>().map(Duration::nanoseconds);
    assert_eq!(nanoseconds("30 ms"), Ok(30_000_000));
    assert_eq!(nanoseconds("5 \u{b5}s"), Ok(5_000));
    assert_eq!(
        nanoseconds("5 \u{3bc}s"),
        Ok(5_000),
        "the Greek letter is meant too"
    );
    assert_eq!(nanoseconds("1.5 min"), Ok(90_000_000_000));
    assert_eq!(nanoseconds("2 d"), Ok(172_800_000_000_000));
}

#[test]
fn a_number_without_unit_is_refused_with_the_units() {
    assert!(message::<Power>("5").contains("units: W, mW, kW, MW"));
    assert!(message::<Bandwidth>("10 Mpbs").contains("did you mean `Mbps`?"));
}

#[test]
fn what_is_no_amount_is_refused() {
    for text in ["nan W", "inf W", "-1 W", "1e999 W", "", "W", "5 W W"] {
        assert!(text.parse::<Power>().is_err(), "{text}");
    }
    assert!("0 bps".parse::<Bandwidth>().is_err());
    assert!("0 FLOP/s".parse::<ComputeSpeed>().is_err());
    assert_eq!("0 s".parse::<Duration>().map(Duration::seconds), Ok(0.0));
    assert!("1e10 s".parse::<Duration>().is_err(), "beyond the clock");
}

#[test]
fn a_round_figure_is_written_with_a_round_unit() {
    assert_eq!(Bandwidth::from_bits_per_second(1e7).to_string(), "10 Mbps");
    assert_eq!(Duration::from_seconds(0.03).to_string(), "30 ms");
    assert_eq!(Duration::from_seconds(7200.0).to_string(), "2 h");
    assert_eq!(Power::from_watts(0.0).to_string(), "0 W");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_to_the_bit(base in 1e-9..1e9_f64) {
        let duration = Duration::from_seconds(base);
        prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration));
        let bandwidth = Bandwidth::from_bits_per_second(base);
        prop_assert_eq!(bandwidth.to_string().parse::<Bandwidth>(), Ok(bandwidth));
        let power = Power::from_watts(base);
        prop_assert_eq!(power.to_string().parse::<Power>(), Ok(power));
    }
}
