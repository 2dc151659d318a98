//! Files of each format, made by hand: what the readers are given does not come from this program's own writers.

use crate::support::CLASSES;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use std::io::Write;

pub fn npy(descr: &str, shape: &str, raw: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), raw].concat()
}

pub fn idx(extents: &[u32], raw: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, extents.len() as u8];
    extents.iter().for_each(|extent| bytes.extend(extent.to_be_bytes()));
    [&bytes, raw].concat()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compresses");
    encoder.finish().expect("compresses")
}

/// A ZIP archive, deflated.
pub fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut table) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let start = (bytes.len() as u32).to_le_bytes();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("compresses");
        let packed = encoder.finish().expect("compresses");
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut about = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        about.extend(crc.sum().to_le_bytes());
        about.extend((packed.len() as u32).to_le_bytes());
        about.extend((content.len() as u32).to_le_bytes());
        about.extend((name.len() as u16).to_le_bytes());
        about.extend([0, 0]);
        bytes.extend([b"PK\x03\x04", &about[..], name.as_bytes(), &packed].concat());
        table.extend([b"PK\x01\x02\x14\0", &about[..], &[0; 10], &start, name.as_bytes()].concat());
    }
    let (size, start) = ((table.len() as u32).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    let count = [files.len() as u8, 0];
    [&bytes, &table, &b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size, &start, &[0, 0]].concat()
}

pub fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..263].copy_from_slice(b"ustar\0");
        let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend(header);
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// A batch of CIFAR's Python release, as Python 2's cPickle wrote it.
pub fn pickled(set: &[u8], classes: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03(".to_vec();
    classes.iter().for_each(|&class| bytes.extend([b'K', class]));
    bytes.extend(
        b"eU\x04dataq\x04cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85q\x07",
    );
    bytes.extend(
        [b"U\x01b\x87Rq\x08(K\x01K", &[classes.len() as u8][..], b"M\x00\x0c\x86cnumpy\ndtype\nq\x09U\x02u1"]
            .concat(),
    );
    bytes.extend(b"K\x00K\x01\x87Rq\x0a(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T");
    bytes.extend((set.len() as u32).to_le_bytes());
    bytes.extend(set);
    bytes.extend(b"tbu.");
    bytes
}

pub fn pickled_names() -> Vec<u8> {
    let mut bytes = b"\x80\x02}q\x01U\x0blabel_namesq\x02]q\x03(".to_vec();
    CLASSES.iter().for_each(|name| bytes.extend([&[b'U', name.len() as u8], name.as_bytes()].concat()));
    bytes.extend(b"es.");
    bytes
}

pub fn png(image: &[u8]) -> Vec<u8> {
    let interleaved: Vec<u8> =
        (0..1024).flat_map(|at| [image[at], image[1024 + at], image[2048 + at]]).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 32, 32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&interleaved)).expect("encodes");
    bytes
}
