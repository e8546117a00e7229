//! Loss of packets: how fast TCP goes on a route that loses some.

use super::Bandwidth;
use crate::time::SimDuration;

/// The rate that TCP's congestion avoidance holds on a route that loses the share `loss` of its
/// packets: MSS / RTT · √(3/2) / √p (Mathis, Semke, Mahdavi & Ott, *The macroscopic behavior of
/// the TCP congestion avoidance algorithm*, CCR 1997, with one acknowledgement a packet). The
/// round-trip time is twice the latency of the route.
///
/// `None` is no bound: without loss, or without latency. A rate outside the range of
/// [`Bandwidth`] is set to its nearer end.
pub(super) fn bound(segment_bytes: f64, latency: SimDuration, loss: f64) -> Option<Bandwidth> {
    if loss <= 0.0 || latency == SimDuration::ZERO {
        return None;
    }
    let round_trip = 2.0 * latency.as_secs_f64();
    let rate = segment_bytes / round_trip * 1.5_f64.sqrt() / loss.sqrt();
    Bandwidth::from_bytes_per_second(rate.clamp(1e-3, 1e15)).ok()
}

/// The share of packets that a route loses whose links lose these: 1 − Π (1 − p).
pub(super) fn of_route(links: impl Iterator<Item = f64>) -> f64 {
    1.0 - links.map(|loss| 1.0 - loss).product::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_of_1460_bytes_50_ms_away_at_one_in_ten_thousand() {
        // 1460 B / 0.1 s · 1.224744871 / 0.01 = 1 788 127.51 B/s.
        let latency = SimDuration::from_nanos(50_000_000);
        let rate = bound(1460.0, latency, 1e-4).unwrap().as_bytes_per_second();
        assert!((rate - 1_788_127.512).abs() < 1e-3, "{rate}");
        assert_eq!(bound(1460.0, SimDuration::ZERO, 0.5), None);
        assert_eq!(bound(1460.0, latency, 0.0), None);
        assert!((of_route([0.1, 0.2].into_iter()) - 0.28).abs() < 1e-15);
    }
}
