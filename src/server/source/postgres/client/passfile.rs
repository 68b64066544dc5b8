//! `~/.pgpass` (PostgreSQL manual, 34.16): one `host:port:database:user:password` per line.

use std::path::Path;

/// The connection that a password is looked up for.
#[derive(Clone, Copy, Debug)]
pub struct PassfileKey<'a> {
    pub host: &'a str,
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
}

/// Returns the password of the first matching line. As in libpq, a file that others may read is ignored.
pub fn find_password(file: &Path, entry: &PassfileKey<'_>) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        tracing::warn!("{} is ignored because other users may read it; run chmod 600 on it", file.display());
        return None;
    }
    // Lines that are not UTF-8 never match; the rest of the file is used.
    find(&String::from_utf8_lossy(&std::fs::read(file).ok()?), entry)
}

fn find(text: &str, entry: &PassfileKey<'_>) -> Option<String> {
    let port = entry.port.to_string();
    let wanted = [entry.host, &port, entry.database, entry.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = split_fields(line);
        let (password, keys) = fields.split_last().filter(|(_, keys)| keys.len() == wanted.len())?;
        let is_match = keys.iter().zip(wanted).all(|(key, wanted)| key == "*" || unescape(key) == wanted);
        is_match.then(|| unescape(password))
    })
}

/// Splits a line into five fields; the password ends at the next unescaped colon.
fn split_fields(line: &str) -> Vec<String> {
    let (mut fields, mut escaped) = (vec![String::new()], false);
    for character in line.chars() {
        match character {
            ':' if !escaped => fields.push(String::new()),
            _ => fields.last_mut().into_iter().for_each(|field| field.push(character)),
        }
        escaped = character == '\\' && !escaped;
    }
    fields.truncate(5);
    fields
}

fn unescape(field: &str) -> String {
    let mut characters = field.chars();
    let mut text = String::new();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# comment:*:*:*:no\n\
        broken line\n\
        db.test:5432:app:ada:first\n\
        db.test:*:*:ada:se\\:c\\\\ret:ignored\n\
        \\*:*:*:*:star\n\
        *:*:we\\:ird:*:colon\n";

    fn found(host: &str, port: u16, database: &str, user: &str) -> Option<String> {
        find(FILE, &PassfileKey { host, port, database, user })
    }

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        assert_eq!(found("db.test", 5432, "app", "ada").unwrap(), "first");
        assert_eq!(found("db.test", 5433, "app", "ada").unwrap(), "se:c\\ret");
        assert_eq!(found("elsewhere", 1, "we:ird", "bo").unwrap(), "colon");
        assert_eq!(found("*", 1, "x", "bo").unwrap(), "star");
        assert_eq!(found("elsewhere", 1, "x", "bo"), None);
    }

    #[test]
    fn a_file_that_others_may_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), FILE).unwrap();
        let entry = PassfileKey { host: "db.test", port: 5432, database: "app", user: "ada" };
        assert_eq!(find_password(file.path(), &entry).unwrap(), "first");
        std::fs::write(file.path(), [b"\xff:1:2:3:4\n", FILE.as_bytes()].concat()).unwrap();
        assert_eq!(find_password(file.path(), &entry).unwrap(), "first");
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(find_password(file.path(), &entry), None);
    }
}
