//! Data sets in files: layouts made by hand, byte by byte, or written by NumPy itself.

use std::io::Write;

use fedstill_models::files::{
    Cifar100Labels, CsvColumns, DataFile, DataFileError, IdxFiles, NpyFiles, NpzArrays, cifar10,
    cifar100, csv, idx, npy, npz,
};
use fedstill_models::{Dataset, Shape};
use flate2::Compression;
use flate2::write::GzEncoder;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn idx_bytes(kind: u8, dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|side| side.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn file<'a>(name: &'a str, bytes: &'a [u8]) -> DataFile<'a> {
    DataFile { name, bytes }
}

fn read_idx(images: &[u8], labels: &[u8]) -> Result<Dataset, DataFileError> {
    idx(&IdxFiles {
        images: file("images", images),
        labels: file("labels", labels),
        test: None,
    })
}

/// What a user reads: found, expected, way out.
#[track_caller]
fn refused(result: Result<Dataset, DataFileError>, parts: &[&str]) {
    let error = result.expect_err("this is no data set");
    let told = error.to_string();
    for part in parts {
        assert!(told.contains(part), "`{part}` is not in: {told}");
    }
    assert!(!error.way_out.is_empty(), "no way out: {told}");
}

/// Three images of 2 × 2 pixels as MNIST's page describes the format.
fn images() -> Vec<u8> {
    let pixels = [0, 51, 102, 153, 204, 255, 0, 0, 1, 2, 3, 4];
    idx_bytes(0x08, &[3, 2, 2], &pixels)
}

fn labels() -> Vec<u8> {
    idx_bytes(0x08, &[3], &[2, 0, 1])
}

#[test]
fn idx_is_read_plain_and_packed() {
    let plain = read_idx(&images(), &labels()).unwrap();
    assert_eq!((plain.len(), plain.n_classes()), (3, 3));
    assert_eq!(plain.shape(), "1x2x2".parse::<Shape>().unwrap());
    assert_eq!(plain.sample(0), [0.0, 0.2, 0.4, 0.6]);
    assert_eq!(plain.labels(), [2, 0, 1]);
    assert_eq!(read_idx(&gzip(&images()), &gzip(&labels())).unwrap(), plain);
}

#[test]
fn a_test_set_in_files_of_its_own_stands_behind_the_training_samples() {
    let test_images = idx_bytes(0x08, &[1, 2, 2], &[255; 4]);
    let test_labels = idx_bytes(0x08, &[1], &[1]);
    let (images, labels) = (images(), labels());
    let read = |test_labels: &[u8]| {
        idx(&IdxFiles {
            images: file("images", &images),
            labels: file("labels", &labels),
            test: Some((
                file("test images", &test_images),
                file("test labels", test_labels),
            )),
        })
    };
    let data = read(&test_labels).unwrap();
    assert_eq!((data.len(), data.given_test()), (4, 3..4));
    assert_eq!((data.sample(3), data.label(3)), (&[1.0; 4][..], 1));
    let unknown = idx_bytes(0x08, &[1], &[3]);
    refused(
        read(&unknown),
        &[
            "label 3 of sample 0 in `test labels`",
            "classes are 0, 1, 2",
        ],
    );
}

#[test]
fn classes_that_are_numbered_from_one_lose_nothing() {
    // As in EMNIST's letters, which are 1 to 26.
    let letters = read_idx(&images(), &idx_bytes(0x08, &[3], &[1, 26, 2])).unwrap();
    assert_eq!(letters.n_classes(), 26);
    assert_eq!(letters.labels(), [0, 25, 1]);
    assert_eq!(letters.class_names()[25], "26");
}

#[test]
fn qmnist_labels_tell_the_writer() {
    // Class, series, writer, and five more numbers of 4 bytes.
    let rows: [[i32; 8]; 3] = [
        [5, 0, 2424, 41, 35, 14_701, 0, 0],
        [0, 0, 177, 28, 30, 15_000, 0, 0],
        [4, 4, 2424, 2, 34, 1, 0, 0],
    ];
    let bytes: Vec<u8> = rows
        .iter()
        .flatten()
        .flat_map(|number| number.to_be_bytes())
        .collect();
    let data = read_idx(&images(), &idx_bytes(0x0c, &[3, 8], &bytes)).unwrap();
    assert_eq!(data.labels(), [5, 0, 4]);
    let groups = data.groups().unwrap();
    assert_eq!(
        (groups.column(), groups.names()),
        ("writer", &["2424".to_owned(), "177".to_owned()][..])
    );
    assert_eq!([0, 1, 2].map(|sample| groups.group(sample)), [0, 1, 0]);
}

#[test]
fn idx_files_that_are_none_are_told_apart() {
    let (images, labels) = (images(), labels());
    refused(read_idx(b"", &labels), &["`images` is empty"]);
    refused(
        read_idx(&images[..images.len() - 1], &labels),
        &["ends after 11 of 12 bytes", "cut off"],
    );
    refused(read_idx(&images[..7], &labels), &["ends within its header"]);
    let packed = gzip(&images);
    refused(
        read_idx(&packed[..packed.len() - 6], &labels),
        &["damaged gzip"],
    );
    let longer = [images.clone(), vec![0]].concat();
    refused(read_idx(&longer, &labels), &["goes on after its 12 bytes"]);
    refused(read_idx(&gzip(&packed), &labels), &["gzip packed twice"]);
    refused(read_idx(b"a,b\n1,2\n", &labels), &["no IDX file but text"]);
    refused(read_idx(b"PK\x03\x04", &labels), &["a ZIP archive"]);
    refused(read_idx(&labels, &images), &["mixed up"]);
    refused(
        read_idx(&images, &idx_bytes(0x08, &[2], &[0, 1])),
        &["`labels` has 2 labels for the 3 samples of `images`"],
    );
    refused(
        read_idx(&images, &idx_bytes(0x0c, &[3], &[0xff; 12])),
        &["label -1 of sample 0", "0 to 65535"],
    );
    refused(
        read_idx(&images, &idx_bytes(0x08, &[3], &[7, 7, 7])),
        &["all labels of `labels` are"],
    );
    refused(
        read_idx(&idx_bytes(0x08, &[0, 2, 2], &[]), &labels),
        &["0 × 2 × 2", "without values"],
    );
    refused(read_idx(&[0, 0, 8, 0], &labels), &["0 dimensions"]);
}

#[test]
fn a_header_that_promises_the_moon_costs_no_memory() {
    let absurd = idx_bytes(0x08, &[u32::MAX, u32::MAX, u32::MAX], &[]);
    refused(
        read_idx(&absurd, &labels()),
        &["4294967295 × 4294967295", "too many values"],
    );
    // Within the bound, and still not there.
    let large = idx_bytes(0x08, &[2_000_000, 1000], &[1, 2, 3]);
    refused(
        read_idx(&large, &labels()),
        &["ends after 3 of 2000000000 bytes"],
    );
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976, 4), }";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    refused(read_npy(&bytes, &array("labels")), &["too many values"]);
}

fn array(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/arrays/");
    std::fs::read(format!("{folder}{name}.npy")).unwrap()
}

fn read_npy(features: &[u8], labels: &[u8]) -> Result<Dataset, DataFileError> {
    let files = NpyFiles {
        features: file("features", features),
        labels: file("labels", labels),
        test: None,
    };
    npy(&files, None)
}

#[test]
fn numpy_arrays_are_the_same_in_either_order_of_bytes_and_of_dimensions() {
    let labels = array("labels");
    let counted: Vec<f32> = (0..12_u8).map(f32::from).collect();
    for name in ["rows", "columns", "big-endian"] {
        let data = read_npy(&array(name), &labels).unwrap();
        assert_eq!(data.features(), counted, "{name}");
        assert_eq!(
            (data.labels(), data.shape()),
            (&[0, 2, 1][..], Shape::Flat(4))
        );
    }
    let cube = read_npy(&array("cube-by-columns"), &labels).unwrap();
    assert_eq!(cube.sample(1)[..3], [10.0, 11.0, 12.0]);
    assert_eq!(cube.shape().to_string(), "1x2x5");
    let pixels = read_npy(&array("pixels"), &labels).unwrap();
    assert_eq!(pixels.sample(2)[9], 29.0 / 255.0);
    assert_eq!(
        read_npy(&array("rows"), &array("labels-f4"))
            .unwrap()
            .labels(),
        [0, 2, 1]
    );
}

#[test]
fn colours_that_come_last_are_put_first() {
    let data = read_npy(&array("channels-last"), &array("pair")).unwrap();
    assert_eq!(data.shape().to_string(), "3x6x5");
    // Pixel (row 2, column 3) of the second image: 90 + (2·5 + 3)·3 + channel.
    let pixel = |channel: usize| (data.sample(1)[channel * 30 + 13] * 255.0).round();
    assert_eq!([0, 1, 2].map(pixel), [129.0, 130.0, 131.0]);
}

#[test]
fn a_shape_says_what_a_sample_is() {
    let (pixels, labels) = (array("pixels"), array("labels"));
    let read = |shape: &str| {
        let files = NpyFiles {
            features: file("features", &pixels),
            labels: file("labels", &labels),
            test: None,
        };
        npy(&files, Some(shape.parse().unwrap()))
    };
    let series = Shape::Series {
        time: 5,
        channels: 2,
    };
    assert_eq!(read("5x2").unwrap().shape(), series);
    refused(
        read("3x2"),
        &["samples of 10 features, not of the shape 3x2"],
    );
}

#[test]
fn numpy_files_that_are_no_numbers_are_refused_with_the_line_that_saves_them_right() {
    let (rows, labels) = (array("rows"), array("labels"));
    refused(read_npy(&array("objects"), &labels), &["|O", "astype"]);
    refused(read_npy(&array("records"), &labels), &["plain numbers"]);
    refused(read_npy(&array("half"), &labels), &["<f2", "float32"]);
    refused(read_npy(&array("empty"), &labels), &["0 × 4"]);
    refused(read_npy(&rows, &array("names")), &["numpy.unique"]);
    refused(read_npy(&rows, &array("one-hot")), &["argmax"]);
    refused(
        read_npy(&array("infinite"), &labels),
        &["feature 0 of sample 1 is not a finite number"],
    );
    refused(
        read_npy(&rows, &array("pair")),
        &["2 labels for the 3 samples"],
    );
    refused(read_npy(&rows[..20], &labels), &["ends within its header"]);
    refused(
        read_npy(&rows[..rows.len() - 4], &labels),
        &["ends after 44 of 48 bytes"],
    );
    refused(
        read_npy(&images(), &labels),
        &["no NPY file but an IDX file"],
    );
}

#[test]
fn archives_of_numpy_are_read_stored_and_compressed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/arrays/");
    let arrays = NpzArrays {
        features: "x_train",
        labels: "y_train",
        test: Some(("x_test", "y_test")),
    };
    let read = |bytes: &[u8], arrays: &NpzArrays<'_>| npz(file("a.npz", bytes), arrays, None);
    let stored = std::fs::read(format!("{folder}stored.npz")).unwrap();
    let data = read(&stored, &arrays).unwrap();
    assert_eq!((data.len(), data.given_test()), (5, 3..5));
    assert_eq!(data.labels(), [0, 2, 1, 1, 1]);
    assert_eq!(data.sample(4)[9], 19.0 / 255.0);
    let compressed = std::fs::read(format!("{folder}compressed.npz")).unwrap();
    assert_eq!(read(&compressed, &arrays).unwrap(), data);
    let other = NpzArrays {
        features: "x",
        ..arrays
    };
    refused(
        read(&stored, &other),
        &["no array `x`", "x_test, x_train, y_test, y_train"],
    );
    refused(
        read(&compressed[..compressed.len() / 2], &arrays),
        &["no NPZ archive"],
    );
    // A pixel of the first array: 128 bytes of header stand before the values.
    let mut damaged = stored.clone();
    let first = damaged.windows(6).position(|six| six == b"\x93NUMPY");
    damaged[first.unwrap() + 128 + 7] ^= 0xff;
    refused(read(&damaged, &arrays), &["damaged ZIP"]);
}

fn cifar_record(labels: &[u8], red: u8) -> Vec<u8> {
    let mut record = labels.to_vec();
    record.extend(std::iter::repeat_n(red, 1024));
    record.extend([0; 2048]);
    record
}

#[test]
fn cifar_batches_follow_one_another() {
    let first = cifar_record(&[3], 255);
    let second = [cifar_record(&[9], 51), cifar_record(&[0], 0)].concat();
    let test = cifar_record(&[1], 0);
    let train = [file("1.bin", &first), file("2.bin", &second)];
    let data = cifar10(&train, &[file("test.bin", &test)]).unwrap();
    assert_eq!(
        (data.len(), data.given_test(), data.n_classes()),
        (4, 3..4, 10)
    );
    assert_eq!(data.shape().to_string(), "3x32x32");
    assert_eq!((data.sample(1)[1023], data.sample(1)[1024]), (0.2, 0.0));
    assert_eq!(data.labels(), [3, 9, 0, 1]);
    assert_eq!(data.class_names()[3], "cat");
    refused(
        cifar10(&[file("1.bin", &first[1..])], &[]),
        &["`1.bin` has 3072 bytes", "multiple of 3073"],
    );
    let odd = cifar_record(&[10], 0);
    refused(
        cifar10(&[file("1.bin", &first), file("2.bin", &odd)], &[]),
        &["label 10 of image 0 in `2.bin`", "0 to 9"],
    );
}

#[test]
fn cifar_100_has_two_labels_an_image() {
    let bytes = [cifar_record(&[19, 99], 0), cifar_record(&[0, 5], 0)].concat();
    let read = |labels| cifar100(&[file("train.bin", &bytes)], &[], labels).unwrap();
    let fine = read(Cifar100Labels::Fine);
    let coarse = read(Cifar100Labels::Coarse);
    assert_eq!((fine.labels(), fine.n_classes()), (&[99, 5][..], 100));
    assert_eq!((coarse.labels(), coarse.n_classes()), (&[19, 0][..], 20));
}

fn read_csv(text: &str, columns: &CsvColumns<'_>) -> Result<Dataset, DataFileError> {
    csv(file("a.csv", text.as_bytes()), None, columns)
}

const COLUMNS: CsvColumns<'_> = CsvColumns {
    label: "ill",
    features: None,
    client: Some("clinic"),
    shape: None,
};

const TABLE: &str = "age,ill,clinic,dose\n40,yes,north,1.5\n20,no,south,2\n60,yes,north,-1e-3\n";

#[test]
fn a_table_has_features_labels_and_clients() {
    let data = read_csv(TABLE, &COLUMNS).unwrap();
    assert_eq!(data.feature_names(), ["age", "dose"]);
    assert_eq!(data.features(), [40.0, 1.5, 20.0, 2.0, 60.0, -0.001]);
    // Names are sorted: no, yes.
    assert_eq!(
        (data.labels(), data.class_names()),
        (&[1, 0, 1][..], &["no".to_owned(), "yes".to_owned()][..])
    );
    assert_eq!(data.groups().unwrap().names(), ["north", "south"]);
    let chosen = ["dose".to_owned()];
    let columns = CsvColumns {
        features: Some(&chosen),
        ..COLUMNS
    };
    assert_eq!(
        read_csv(TABLE, &columns).unwrap().features(),
        [1.5, 2.0, -0.001]
    );
    let shape = CsvColumns {
        shape: Some("2x1".parse().unwrap()),
        ..COLUMNS
    };
    assert_eq!(read_csv(TABLE, &shape).unwrap().shape().to_string(), "2x1");
}

#[test]
fn a_test_table_may_order_its_columns_otherwise() {
    let test = "clinic,dose,ill,age\nwest,3,no,50\n";
    let read = |test: &str| {
        csv(
            file("a.csv", TABLE.as_bytes()),
            Some(file("b.csv", test.as_bytes())),
            &COLUMNS,
        )
    };
    let data = read(test).unwrap();
    assert_eq!((data.sample(3), data.label(3)), (&[50.0, 3.0][..], 0));
    refused(
        read("dose,ill,age\n3,maybe,50\n"),
        &["label `maybe` of sample 0 in `b.csv`", "no, yes"],
    );
}

#[test]
fn tables_with_gaps_words_and_other_columns_are_refused_with_the_line() {
    refused(
        read_csv(&TABLE.replace("20,", ","), &COLUMNS),
        &["line 3 of column `age`", "is empty"],
    );
    refused(
        read_csv(&TABLE.replace("1.5", "much"), &COLUMNS),
        &["line 2 of column `dose`", "`much`"],
    );
    refused(
        read_csv(&TABLE.replace("1.5", "NaN"), &COLUMNS),
        &["line 2 of column `dose`", "`NaN`"],
    );
    refused(
        read_csv(&TABLE.replace("no,", ","), &COLUMNS),
        &["line 3", "nothing in the column `ill`"],
    );
    refused(
        read_csv(&TABLE.replace(",2\n", "\n"), &COLUMNS),
        &["line 3", "has 3 cells", "the header has 4"],
    );
    let leaking = ["age".to_owned(), "ill".to_owned()];
    let columns = CsvColumns {
        features: Some(&leaking),
        ..COLUMNS
    };
    refused(read_csv(TABLE, &columns), &["is among its features"]);
    let columns = CsvColumns {
        label: "il",
        ..COLUMNS
    };
    refused(
        read_csv(TABLE, &columns),
        &["no column `il`", "did you mean `ill`?"],
    );
    refused(
        read_csv(&TABLE.replace(',', ";"), &COLUMNS),
        &["semicolons"],
    );
    refused(
        read_csv(TABLE.lines().next().unwrap(), &COLUMNS),
        &["a header but no rows"],
    );
    refused(
        csv(file("a.csv", &[0xff, 0xfe, 0, 1]), None, &COLUMNS),
        &["no text in UTF-8"],
    );
}
