//! Images turned about their middle.

/// Appends `image` turned counterclockwise by `degrees`, as one sees it with the first row on top.
///
/// Each pixel is the bilinear mean of the four around the place that it comes from; outside the
/// image everything is 0.
pub(super) fn turn(
    image: &[f32],
    [channels, height, width]: [usize; 3],
    degrees: f32,
    out: &mut Vec<f32>,
) {
    let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
    let (middle_row, middle_column) = ((height as f64 - 1.0) / 2.0, (width as f64 - 1.0) / 2.0);
    let size = height * width;
    for plane in image.chunks_exact(size).take(channels) {
        let at = |row: i64, column: i64| {
            let inside = (0..height as i64).contains(&row) && (0..width as i64).contains(&column);
            if inside {
                plane[row as usize * width + column as usize]
            } else {
                0.0
            }
        };
        for row in 0..height {
            for column in 0..width {
                let (down, right) = (row as f64 - middle_row, column as f64 - middle_column);
                // Where the pixel was before: turned back, with rows counted downwards.
                let from_row = middle_row + cos * down + sin * right;
                let from_column = middle_column - sin * down + cos * right;
                let (top, left) = (from_row.floor(), from_column.floor());
                let (below, beside) = ((from_row - top) as f32, (from_column - left) as f32);
                let (top, left) = (top as i64, left as i64);
                let above = at(top, left) * (1.0 - beside) + at(top, left + 1) * beside;
                let under = at(top + 1, left) * (1.0 - beside) + at(top + 1, left + 1) * beside;
                out.push(above * (1.0 - below) + under * below);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(image: &[f32], shape: [usize; 3], degrees: f32) -> Vec<f32> {
        let mut out = Vec::new();
        turn(image, shape, degrees, &mut out);
        out
    }

    fn near(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
        }
    }

    #[test]
    fn a_quarter_turn_is_that_of_numpy() {
        // numpy.rot90(arange(9).reshape(3, 3)), counterclockwise; plane by plane.
        let image: Vec<f32> = (0..18_u8).map(f32::from).collect();
        let expected = [2.0, 5.0, 8.0, 1.0, 4.0, 7.0, 0.0, 3.0, 6.0];
        let second = expected.map(|value| value + 9.0);
        near(
            &turned(&image, [2, 3, 3], 90.0),
            &[expected, second].concat(),
        );
    }

    #[test]
    fn a_turn_and_its_opposite_leave_the_middle_as_it_was() {
        let mut image = vec![0.0; 81];
        image[40] = 1.0;
        near(&turned(&image, [1, 9, 9], 37.0)[40..41], &[1.0]);
        // A plain that is everywhere 1 stays 1 where nothing comes from outside.
        let plain = vec![1.0; 81];
        near(&turned(&plain, [1, 9, 9], 45.0)[30..33], &[1.0; 3]);
        near(&turned(&plain, [1, 9, 9], 45.0)[..1], &[0.0]);
    }

    #[test]
    fn the_corner_of_four_pixels_comes_to_lie_between_two() {
        // By hand: each of the two takes half of the corner, 0.2071 of a pixel off.
        let found = turned(&[1.0, 0.0, 0.0, 0.0], [1, 2, 2], 45.0);
        let half = 0.5 * (1.0 - (0.5_f32.sqrt() - 0.5));
        near(&found, &[half, 0.0, half, 0.0]);
    }
}
