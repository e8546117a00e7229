//! `partition.csv`: which classes each client holds.

use crate::records::books::RunBooks;
use crate::records::table::table;

table! {
    /// One row a client and class of which it holds a sample; what is not told is 0.
    pub struct PartitionRow<'a> in "partition",
    key [client_id, class],
    references [[client_id] in "clients" [client_id]],
    /// The client.
    client_id: &'a str;
    /// Number of the class, from 0, as the client calls it.
    class: u64;
    /// Its name in the data, or its number.
    class_name: &'a str;
    /// Samples of it that the client trains on; its mistakes in labels do not count.
    n_train: u64;
    /// Samples of it among those held out as its own test set.
    n_test: u64;
}

pub(super) fn rows(books: &RunBooks) -> impl Iterator<Item = PartitionRow<'_>> {
    books.clients.iter().flat_map(|client| {
        let counts = client.label_counts.iter().zip(&client.test_label_counts);
        counts
            .enumerate()
            .filter(|(_, (train, test))| **train + **test > 0)
            .map(|(class, (train, test))| PartitionRow {
                run_id: &books.identity.run_id,
                client_id: &client.name,
                class: class as u64,
                class_name: books.class_names.get(class).map_or("", String::as_str),
                n_train: *train,
                n_test: *test,
            })
    })
}
