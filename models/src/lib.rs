//! The learning of fedstill: data sets, partitions, models, losses and their cost. Knows no clock.
