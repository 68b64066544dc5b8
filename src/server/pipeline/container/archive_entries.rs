//! Reads the entries of an archive whose seal was checked before.

use std::io::{self, ErrorKind, Read};

use crate::seal::archive::{BLOCK_BYTES, padding, parse_header};

/// The entries of an archive, one after the other.
pub struct ArchiveEntries<R> {
    content: R,
    /// What is left of the current entry: content, then padding.
    left: u64,
    padding: usize,
}

/// The name and the size of an entry, whose content is read next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveEntry {
    pub name: String,
    pub bytes: u64,
}

impl<R: Read> ArchiveEntries<R> {
    /// `content` is decompressed.
    pub fn new(content: R) -> Self {
        Self { content, left: 0, padding: 0 }
    }

    /// Goes on to the next entry; nothing at the end of the archive.
    ///
    /// # Errors
    /// `InvalidData` for a header that the writer does not write, `UnexpectedEof` if the archive is cut off; others of reading.
    pub fn next_entry(&mut self) -> io::Result<Option<ArchiveEntry>> {
        io::copy(&mut self.by_ref(), &mut io::sink())?;
        if self.left > 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut block = [0; BLOCK_BYTES];
        self.content.read_exact(&mut block[..self.padding])?;
        self.padding = 0;
        self.content.read_exact(&mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let (name, bytes) = parse_header(&block).ok_or_else(|| io::Error::from(ErrorKind::InvalidData))?;
        (self.left, self.padding) = (bytes, padding(bytes));
        Ok(Some(ArchiveEntry { name, bytes }))
    }
}

/// The content of the current entry.
impl<R: Read> Read for ArchiveEntries<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        // To a decompressor, nothing read is the end.
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.content.read(&mut buffer[..wanted])?;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::archive::{ARCHIVE_END, header};

    fn archive() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, content) in [("manifest.yaml", &b"a: 1\n"[..]), ("media/x", &[7; 1000]), ("media/y", b"")] {
            bytes.extend(header(name, content.len() as u64).unwrap());
            bytes.extend(content);
            bytes.extend(&ARCHIVE_END[..padding(content.len() as u64)]);
        }
        [&bytes[..], &ARCHIVE_END].concat()
    }

    #[test]
    fn entries_are_read_or_passed_over() {
        let archive = archive();
        let mut entries = ArchiveEntries::new(&archive[..]);
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry().unwrap() {
            let mut content = Vec::new();
            if entry.name.starts_with("manifest") {
                entries.read_to_end(&mut content).unwrap();
            }
            found.push((entry.name, entry.bytes, content.len()));
        }
        let expected = [("manifest.yaml", 5, 5), ("media/x", 1000, 0), ("media/y", 0, 0)];
        assert_eq!(found, expected.map(|(name, bytes, read)| (name.to_owned(), bytes, read)));
    }

    #[test]
    fn an_archive_that_is_cut_or_altered_is_an_error() {
        let archive = archive();
        let count = |bytes: &[u8]| {
            let mut entries = ArchiveEntries::new(bytes);
            while entries.next_entry()?.is_some() {}
            Ok::<_, io::Error>(())
        };
        for cut in (0..archive.len() - ARCHIVE_END.len() + BLOCK_BYTES).step_by(97) {
            assert!(count(&archive[..cut]).is_err(), "cut at {cut}");
        }
        let mut altered = archive.clone();
        altered[100] ^= 1;
        assert_eq!(count(&altered).unwrap_err().kind(), ErrorKind::InvalidData);
        assert!(count(&archive).is_ok());
    }
}
