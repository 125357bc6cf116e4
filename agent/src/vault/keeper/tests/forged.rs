//! A write-ahead log as an attacker writes it: its sums fit whatever he puts in.

use std::path::{Path, PathBuf};

/// Length of a page, in bytes.
pub(super) const PAGE: usize = 4096;

/// A log, taken apart.
#[derive(Clone)]
pub(super) struct Log {
    header: [u8; 24],
    /// Page, count, content.
    pub(super) frames: Vec<(u32, u32, Vec<u8>)>,
}

impl Log {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let salts = &bytes[16..24];
        let chunks = bytes[32..].chunks_exact(PAGE + 24);
        let frames = chunks.take_while(|frame| &frame[8..16] == salts).map(|frame| {
            let word = |at: usize| u32::from_be_bytes(*frame[at..].first_chunk().unwrap());
            (word(0), word(4), frame[24..].to_vec())
        });
        Self { header: *bytes.first_chunk().unwrap(), frames: frames.collect() }
    }

    /// As SQLite accepts it: whoever may write the file can make the sums fit.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let is_big_endian = self.header[3] & 1 == 1;
        let sum = |(mut first, mut second): (u32, u32), bytes: &[u8]| {
            for pair in bytes.chunks_exact(8) {
                let word = |at: usize| {
                    let bytes: [u8; 4] = *pair[at..].first_chunk().unwrap();
                    if is_big_endian {
                        u32::from_be_bytes(bytes)
                    } else {
                        u32::from_le_bytes(bytes)
                    }
                };
                first = first.wrapping_add(word(0)).wrapping_add(second);
                second = second.wrapping_add(word(4)).wrapping_add(first);
            }
            (first, second)
        };
        let mut sums = sum((0, 0), &self.header);
        let mut bytes = self.header.to_vec();
        bytes.extend_from_slice(&sums.0.to_be_bytes());
        bytes.extend_from_slice(&sums.1.to_be_bytes());
        for (page, count, content) in &self.frames {
            let mut head = page.to_be_bytes().to_vec();
            head.extend_from_slice(&count.to_be_bytes());
            sums = sum(sum(sums, &head), content);
            head.extend_from_slice(&self.header[16..24]);
            head.extend_from_slice(&sums.0.to_be_bytes());
            head.extend_from_slice(&sums.1.to_be_bytes());
            bytes.extend_from_slice(&head);
            bytes.extend_from_slice(content);
        }
        bytes
    }
}

pub(super) fn log_path(database: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", database.display()))
}
