//! The geometric median by the smoothed Weiszfeld algorithm (RFA, Pillutla, Kakade and
//! Harchaoui 2022, "Robust aggregation for federated learning").

use super::{Folded, Held, Layout, add_weighted, mean};

/// The point that minimises Σ wₖ‖x − xₖ‖, per row over the contributions that have it, or of
/// the whole vector.
///
/// It starts from the weighted mean and moves at most `iterations` times to
/// Σ βₖxₖ / Σ βₖ with βₖ = wₖ / max(`smoothing`, ‖x − xₖ‖); the paper takes 3 and 10⁻⁶.
pub(crate) fn geometric_median(
    contributions: &[Held<'_>],
    width: usize,
    iterations: usize,
    smoothing: f64,
) -> Folded {
    let layout = Layout::of(contributions, width);
    let Folded {
        mut values,
        mut flops,
        ..
    } = mean(contributions, width);
    for row in 0..layout.rows {
        let holders: Vec<(&[f32], f64)> = layout
            .holders(contributions, row)
            .map(|(_, held, weight)| (held, weight))
            .collect();
        // One is its own median.
        if holders.len() < 2 {
            continue;
        }
        let place = layout.place(row);
        let mut point: Vec<f64> = values[place.clone()].iter().map(|&x| x.into()).collect();
        let mut sums = vec![0.0; layout.width];
        for _ in 0..iterations {
            sums.fill(0.0);
            let mut total = 0.0;
            for (held, weight) in &holders {
                let beta = weight / distance(&point, held).max(smoothing);
                add_weighted(&mut sums, held, beta);
                total += beta;
            }
            sums.iter_mut().for_each(|sum| *sum /= total);
            flops += (holders.len() * 5 * layout.width + layout.width) as u64;
            std::mem::swap(&mut point, &mut sums);
            if point == sums {
                break;
            }
        }
        for (value, x) in values[place].iter_mut().zip(&point) {
            *value = *x as f32;
        }
    }
    Folded::of_all(values, flops)
}

fn distance(point: &[f64], held: &[f32]) -> f64 {
    let square = |(x, held): (&f64, &f32)| (x - f64::from(*held)).powi(2);
    point.iter().zip(held).map(square).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::golden::Golden;
    use super::super::three_clients::{ROWS, assert_close, assert_folded, equal, weighing};
    use super::*;

    #[test]
    fn one_move_weighs_each_by_its_nearness_to_the_mean() {
        // Row 0 lies on a line with its mean in the middle point: its nearness is 10⁶, the
        // other two weigh 1/(0.3·√2) = 2.357 each and pull evenly. Row 1: halfway, evenly.
        let folded = geometric_median(&equal(&ROWS), 2, 1, 1e-6);
        assert_folded(&folded, &[0.6, 0.4, 0.35, 0.65]);
        // Means: 24. Row 0: 3·5·2 + 2. Row 1: 2·5·2 + 2.
        assert_eq!(folded.flops, 24 + 32 + 22);

        // From the mean (4, 0) of 0, 0 and 12 on a line: nearness 1/4, 1/4 and 1/8, so
        // 12·(1/8)/(5/8) = 2.4.
        let line = [[0.0, 0.0], [0.0, 0.0], [12.0, 0.0]];
        assert_folded(&geometric_median(&equal(&line), 0, 1, 1e-6), &[2.4, 0.0]);
    }

    #[test]
    fn a_minority_however_far_does_not_move_it() {
        // Two of three in one place: there is the median.
        let models = [[1.0, 2.0], [1.0, 2.0], [1e6, -1e6]];
        let folded = geometric_median(&equal(&models), 0, 200, 1e-9);
        assert_close(&folded.values, &[1.0, 2.0]);
        // A point of half of all weight is the median.
        let folded = geometric_median(&weighing(&models, &[0.0, 1.1, 1.0]), 0, 2000, 1e-9);
        assert_close(&folded.values, &[1.0, 2.0]);
    }

    #[test]
    fn it_is_the_point_that_newton_s_method_finds() {
        let golden = Golden::read(include_str!("../../../tests/golden/rules/rules.txt"));
        let points = golden.f32s("geometric_median.points");
        let weights = golden.f64s("geometric_median.weights");
        let contributions: Vec<Held<'_>> = points
            .chunks_exact(3)
            .zip(weights)
            .map(|(values, &weight)| Held { values, weight })
            .collect();
        let folded = geometric_median(&contributions, 0, 1000, 1e-6);
        golden.assert_near("geometric_median", &folded.values, 1e-6);
    }
}
