//! Which model of transport carries the bytes: ours, or one with SimGrid's factors.

/// How a transfer is slowed beside the links that it crosses.
///
/// The factors are those of SimGrid's flow-level models (Velho, Schnorr, Casanova and Legrand 2013,
/// "On the validity of flow-level TCP network models for grid and cloud simulations").
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransportChoice {
    /// A flow waits for this times the latency of its route.
    pub latency_factor: f64,
    /// Of its share of a link, this part is payload.
    pub bandwidth_factor: f64,
    /// S in bytes: a link of bandwidth b counts like a latency of S/b more in a flow's weight.
    /// `None` where shares pay no regard to round-trip time at all.
    pub weight_s: Option<f64>,
    /// Largest window in bytes: a flow is at most this over the round-trip time; 0 is no bound.
    pub tcp_gamma: f64,
    /// Whether acknowledgements take 0.05 of the rate on the way back.
    pub crosstraffic: bool,
}

impl TransportChoice {
    /// Latency, then the max-min fair share.
    pub const FLUID: Self = Self {
        latency_factor: 1.0,
        bandwidth_factor: 1.0,
        weight_s: None,
        tcp_gamma: 0.0,
        crosstraffic: false,
    };
    /// SimGrid's CM02.
    pub const CM02: Self = Self {
        latency_factor: 1.0,
        bandwidth_factor: 1.0,
        weight_s: Some(0.0),
        tcp_gamma: 4_194_304.0,
        crosstraffic: true,
    };
    /// SimGrid's LV08, its default.
    pub const LV08: Self = Self {
        latency_factor: 13.01,
        bandwidth_factor: 0.97,
        weight_s: Some(20_537.0),
        tcp_gamma: 4_194_304.0,
        crosstraffic: true,
    };
}
