//! The names of files in an archive.

use sha2::{Digest, Sha256};

use crate::seal::archive::MEDIA_FOLDER;

/// The longest extension that is kept.
const MAX_EXTENSION: usize = 8;

/// The name of a file in the archive: its record's id, which is another one for each, and the extension that its user gave it.
#[must_use]
pub fn media_path(id: &str, file_name: &str) -> String {
    let is_uuid = id.len() == 36 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    // Other ids may differ by case alone, or lead elsewhere.
    let stem = if is_uuid { id.to_owned() } else { hex::encode(&Sha256::digest(id.as_bytes())[..16]) };
    let extension = file_name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let is_plain = |extension: &String| {
        (1..=MAX_EXTENSION).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let extension = extension.filter(is_plain).map(|extension| format!(".{extension}"));
    format!("{MEDIA_FOLDER}{stem}{}", extension.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_its_record_and_never_leads_elsewhere() {
        let id = "01900000-0000-7000-8000-000000000001";
        assert_eq!(media_path(id, "Foto.PNG"), format!("media/{id}.png"));
        assert_eq!(media_path(id, "no extension"), format!("media/{id}"));
        assert_eq!(media_path(id, "a.b/../c"), format!("media/{id}"));
        let names = ["../x", "A", "a", ""].map(|id| media_path(id, "x.txt"));
        assert!(names.iter().all(|name| name.len() == "media/".len() + 32 + 4 && name.is_ascii()));
        assert_ne!(names[1], names[2]);
    }
}
