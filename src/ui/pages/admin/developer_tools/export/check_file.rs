//! Reading a file to its end and saying what it is, in the browser.

use gloo_file::File;

use crate::seal::{Flaw, Packing, Verified, Verifier};
use crate::ui::browser::{Slices, Unpacked};

/// Why a file is not called whole.
pub enum Problem {
    NotWhole(String),
    /// It may be whole: nobody here can tell.
    NotChecked(&'static str),
}

impl From<Flaw> for Problem {
    fn from(flaw: Flaw) -> Self {
        Self::NotWhole(flaw.to_string())
    }
}

const UNREADABLE: Problem = Problem::NotChecked("The browser cannot read it: was it moved or changed meanwhile?");
const NO_ZSTD: Problem =
    Problem::NotChecked("Browsers cannot unpack zstd. Check it on the command line: waybill verify FILE.");
const NO_GZIP: Problem =
    Problem::NotChecked("This browser cannot unpack gzip. Check it on the command line: waybill verify FILE.");

/// Checks a file. `show` gets the percentage read, where it is known.
///
/// # Errors
/// What is wrong with the file, or why it cannot be told here.
pub async fn check(file: File, show: impl Fn(Option<u64>)) -> Result<Verified, Problem> {
    let mut slices = Slices::of(file.clone());
    let first = slices.next().await.map_err(|_| UNREADABLE)?;
    match Packing::of(&first[..first.len().min(10)]) {
        Packing::None => plain(slices, first, show).await,
        Packing::Gzip => gzip(&file, show).await,
        Packing::Zstd => Err(NO_ZSTD),
        Packing::Foreign => not_whole("the packing's header is damaged, or another program packed the file"),
    }
}

async fn plain(mut slices: Slices, first: Vec<u8>, show: impl Fn(Option<u64>)) -> Result<Verified, Problem> {
    let mut verifier = Verifier::default();
    let mut slice = first;
    while !slice.is_empty() {
        verifier.feed(&slice)?;
        show((slices.read() * 100).checked_div(slices.bytes()));
        slice = slices.next().await.map_err(|_| UNREADABLE)?;
    }
    Ok(verifier.finish()?)
}

fn not_whole<T>(what: &str) -> Result<T, Problem> {
    Err(Problem::NotWhole(what.to_owned()))
}

async fn gzip(file: &File, show: impl Fn(Option<u64>)) -> Result<Verified, Problem> {
    let mut content = Unpacked::of(file).ok_or(NO_GZIP)?;
    let mut verifier = Verifier::default();
    show(None);
    loop {
        let Ok(piece) = content.next().await else {
            return not_whole("the packing is cut or damaged, or something follows it");
        };
        if piece.is_empty() {
            break;
        }
        verifier.feed(&piece)?;
    }
    // The size is the file's as people have it.
    Ok(Verified { bytes: file.size(), ..verifier.finish()? })
}
