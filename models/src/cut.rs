//! Where a model is cut in two: the layers before the cut are its extractor, those behind it its
//! head, and each part is a layout of its own.

use std::ops::Range;

use crate::error::ModelError;
use crate::layout::{Layout, Piece};

impl Layout {
    /// The same model with a head that begins at the layer with this [`crate::Layer::number`],
    /// where it need not be a dense one: a global pool, say, so that features are still images.
    ///
    /// # Errors
    /// [`ModelError::Cut`] when no layer outside residual blocks has this number.
    pub fn with_head_from(mut self, number: &str) -> Result<Self, ModelError> {
        let places = self.program.iter().filter_map(|piece| match piece {
            Piece::Chain(chain) => Some(chain.clone()),
            Piece::Residual { .. } => None,
        });
        let head = places
            .flatten()
            .find(|&place| self.layers[place].number == number);
        let Some(head) = head else {
            let number = number.to_owned();
            return Err(ModelError::Cut { number });
        };
        self.head = head;
        Ok(self)
    }

    /// The head alone, on rows of features; its parameters are those of [`Layout::head`].
    pub fn head_layout(&self) -> Self {
        let mut layout = self.part(self.head..self.layers.len());
        layout.input = self.feature_shape();
        layout.channels_innermost = true;
        layout
    }

    /// The extractor alone, whose outputs are the features; its parameters are those of
    /// [`Layout::extractor`]. None where there is no layer before the head.
    pub fn extractor_layout(&self) -> Option<Self> {
        (self.head > 0).then(|| {
            let mut layout = self.part(0..self.head);
            layout.head = self.head;
            layout
        })
    }

    fn part(&self, layers: Range<usize>) -> Self {
        let program = part_of(&self.program, &layers);
        let mut taken = self.layers[layers].to_vec();
        let before = taken.first().map_or(0, |first| first.offset);
        for layer in &mut taken {
            layer.offset -= before;
        }
        Self {
            input: self.input,
            channels_innermost: self.channels_innermost,
            layers: taken,
            program,
            head: 0,
        }
    }
}

/// The pieces that lie in a range of layers, which cuts no block, numbered from its start.
fn part_of(program: &[Piece], layers: &Range<usize>) -> Vec<Piece> {
    let mut part = Vec::new();
    for piece in program {
        match piece {
            Piece::Chain(chain) => {
                let (start, end) = (chain.start.max(layers.start), chain.end.min(layers.end));
                if start < end {
                    part.push(Piece::Chain(start - layers.start..end - layers.start));
                }
            }
            Piece::Residual {
                body,
                shortcut,
                output,
            } => {
                let body = part_of(body, layers);
                if !body.is_empty() {
                    part.push(Piece::Residual {
                        body,
                        shortcut: part_of(shortcut, layers),
                        output: *output,
                    });
                }
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use crate::{
        Architecture, Dataset, Layout, ListedLayer, Loss, Optimizer, Shape, Trainer,
        extract_features, predict_logits,
    };
    use std::sync::Arc;

    const IMAGE: Shape = Shape::Image {
        channels: 3,
        height: 16,
        width: 16,
    };

    fn layout(name: &str) -> Layout {
        let architecture = Architecture::parse(name).unwrap();
        architecture.layout(IMAGE, 5).unwrap()
    }

    fn images(count: usize) -> Dataset {
        let values = (0..count * 768).map(|place| ((place * 7919 + 13) % 1000) as f32 / 1000.0);
        let labels = (0..count as u32).map(|sample| sample % 5).collect();
        let data = Dataset::new("images", values.collect(), labels, 768, 5).unwrap();
        data.shaped(IMAGE).unwrap()
    }

    #[test]
    fn the_parts_of_a_cut_model_are_the_whole_model() {
        let data = images(7);
        let samples: Vec<u32> = (0..7).collect();
        // Before a dense layer, before a pool over images of 64 channels, and right at the front.
        for (name, number) in [
            ("resnet8", None),
            ("resnet8", Some("10")),
            ("resnet8", Some("7")),
            ("resnet8", Some("1")),
            ("lenet5", Some("4")),
            ("lenet5", Some("7")),
            ("logistic", None),
        ] {
            let whole = match number {
                Some(number) => layout(name).with_head_from(number).unwrap(),
                None => layout(name),
            };
            let parameters = whole.initial_parameters(3);
            let expected = predict_logits(&whole, &parameters, &data, &samples).unwrap();
            let head = whole.head_layout();
            let width = whole.feature_width();
            assert_eq!((head.n_features(), head.n_classes()), (width, 5));
            let features = extract_features(&whole, &parameters, &data, &samples).unwrap();
            if let Some(extractor) = whole.extractor_layout() {
                let own = &parameters[whole.extractor()];
                let alone = predict_logits(&extractor, own, &data, &samples).unwrap();
                assert_eq!(alone, features, "{name} {number:?}");
                assert_eq!(extractor.feature_shape(), whole.feature_shape());
                assert_eq!(
                    (extractor.head().len(), extractor.extractor()),
                    (0, whole.extractor())
                );
                assert_eq!(
                    extractor.forward_flops() + head.forward_flops(),
                    whole.forward_flops()
                );
                assert_eq!(whole.feature_flops(3), 3 * extractor.forward_flops());
            } else {
                assert_eq!(head.forward_flops(), whole.forward_flops());
                assert_eq!(whole.feature_flops(3), 0);
            }
            assert_eq!(whole.head_flops(2), 2 * head.forward_flops());
            let rows = Dataset::new("features", features, vec![0; 7], width, 5).unwrap();
            let logits = predict_logits(&head, &parameters[whole.head()], &rows, &samples);
            assert_eq!(logits.unwrap(), expected, "{name} {number:?}");
        }
    }

    #[test]
    fn a_server_learns_on_images_of_features() {
        // FedGKT: a small extractor, and a larger model on what it hands on.
        let small = ["conv2d 4 3x3 same", "relu", "global-average-pool"];
        let small = small.map(|text| ListedLayer::Text(text.to_owned()));
        let client = Architecture::from_layers(&small).unwrap();
        let client = client
            .layout(IMAGE, 5)
            .unwrap()
            .with_head_from("3")
            .unwrap();
        let shape = client.feature_shape();
        assert_eq!(shape.to_string(), "4x16x16");
        assert_eq!((client.extractor().len(), client.head().len()), (112, 25));
        let server = ["conv2d 2 1x1 no-bias", "relu"];
        let server = server.map(|text| ListedLayer::Text(text.to_owned()));
        let server = Architecture::from_layers(&server).unwrap();
        let server = server.layout_on_features(shape, 5).unwrap();
        let data = images(2);
        let parameters = client.initial_parameters(1);
        let features = extract_features(&client, &parameters, &data, &[0, 1]).unwrap();
        // A filter that sees the third of the channels alone hands its image on.
        let mut kernel = vec![0.0; server.parameter_count()];
        kernel[2] = 1.0;
        let on_top = server.with_head_from("3").unwrap();
        let rows = Dataset::new("features", features.clone(), vec![0, 1], 1024, 5).unwrap();
        let seen = extract_features(&on_top, &kernel, &rows, &[0, 1]).unwrap();
        let third: Vec<f32> = features.chunks(4).map(|channels| channels[2]).collect();
        let found: Vec<f32> = seen.chunks(2).map(|channels| channels[0]).collect();
        assert_eq!(found, third);
        let optimizer = Optimizer::sgd(0.1);
        let start = on_top.initial_parameters(2);
        let mut trainer = Trainer::new(Arc::new(on_top), &start, &optimizer, None, 0).unwrap();
        let hard = [Loss::CrossEntropy { labels: &[0, 1] }.into()];
        let before = trainer.step(&features, &hard).unwrap().loss;
        for _ in 0..20 {
            trainer.step(&features, &hard).unwrap();
        }
        trainer.predict(&features).unwrap();
        assert!(trainer.value(&hard).unwrap() < before);
    }

    #[test]
    fn a_head_begins_at_a_layer_outside_of_blocks() {
        for number in ["4", "4.1", "99", "0", ""] {
            let refused = layout("resnet8").with_head_from(number).unwrap_err();
            assert!(
                refused.to_string().contains("outside residual blocks"),
                "{number}"
            );
        }
    }
}
