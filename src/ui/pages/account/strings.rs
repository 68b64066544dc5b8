//! The texts of the page "Your data", for translation: each constant is the text of `account.` and its name.

pub const TITLE: &str = "Your data";
pub const TOOLS: &str = "Tools";
pub const INTRODUCTION: &str =
    "Everything here that belongs to me, as one file that I can keep, read with any program, and take elsewhere.";
pub const EXPORT_TITLE: &str = "Export";
pub const EXPORT: &str = "Export my data";
pub const EXPORT_NOTICE: &str = "Whoever has the file can read everything in it, so I keep it where nobody else looks.";
pub const EXPORT_RUNNING: &str = "Show the export that is running";
pub const CONTENTS: &str = "What the file has";
pub const CONTENTS_WHAT: &str = "What";
pub const CONTENTS_RECORDS: &str = "Records";
pub const RECORDS: &str = "records";
pub const COUNTING: &str = "counting";
pub const COUNT_AGAIN: &str = "Count again";
pub const STILL_COUNTING: &str = "Some of it is still being counted. ";
pub const LEFT_OUT: &str = "What is not in it";
pub const EARLIER: &str = "My exports";
pub const EARLIER_NONE: &str = "None yet. My newest exports are listed here.";
pub const DOWNLOAD: &str = "Download";
pub const UNTIL: &str = "until";
pub const RUNNING: &str = "Being made";
pub const FILE_GONE: &str = "The file is gone: it is kept for 15 minutes, or until the next export";
pub const FAILED: &str = "Failed";
pub const CANCELLED: &str = "Cancelled";
pub const VERIFY: &str = "Verify a file";
pub const UNREADABLE: &str = "My data cannot be read now";
pub const PROBLEM_BUSY: &str = "An export is already running. Wait until it has finished, then try again.";
pub const PROBLEM_FAILED: &str = "The export could not be started. Try again in a moment.";

pub const IMPORT: &str = "Import…";
pub const IMPORT_TITLE: &str = "Import my data";
pub const IMPORT_INTRODUCTION: &str = "I choose an archive that I have exported, here or elsewhere. It is checked in my browser first, then I see what \
    it would do, and nothing is written until I say so. Whatever it says about whose it was: what I import becomes mine. For a day, \
    I can undo it.";
pub const IMPORT_OFF_TITLE: &str = "Nothing can be imported here";
pub const IMPORT_OFF: &str = "This server only reads the database. Whoever runs it can turn imports on.";
pub const IMPORT_NO_SCRIPT: &str =
    "<p class=\"form-error\">Importing needs JavaScript: the archive is checked before it is sent.</p>";
pub const IMPORT_TOO_LARGE_TITLE: &str = "The file is too large";
pub const IMPORT_TOO_LARGE: &str = "Files of up to this size are taken here: ";
pub const IMPORT_NO_ARCHIVE_TITLE: &str = "This is not an archive of a person's data";
pub const IMPORT_NO_ARCHIVE: &str = "I choose the file that \"Export my data\" has made, as it is: .tar.gz.";
pub const IMPORT_PREVIEW: &str = "Show what it would do";
pub const IMPORT_PREVIEW_HINT: &str = "Sends the archive and compares it with my data. Nothing is written.";
pub const IMPORT_SENDING: &str = "Sending the archive";
pub const IMPORT_COMPARING: &str = "Comparing the archive with my data…";
pub const IMPORT_RUNNING: &str = "Importing…";
pub const IMPORT_RUNNING_HINT: &str = "It goes on if I leave this page.";
pub const IMPORT_OWN: &str = "It was made here, of my own data.";
pub const IMPORT_FOREIGN: &str = "It was not made here of my own data: its records get new ids.";
pub const IMPORT_HOW: &str = "What shall become of it?";
pub const IMPORT_MERGE: &str = "Merge";
pub const IMPORT_MERGE_HINT: &str = "What I do not have is added, and what differs gets the archive's values, unless I have changed it since. Nothing is deleted.";
pub const IMPORT_COPY: &str = "Import as copies";
pub const IMPORT_COPY_HINT: &str = "Everything is added once more, beside what I have. Nothing that I have changes.";
pub const IMPORT_REPLACE: &str = "Replace";
pub const IMPORT_REPLACE_HINT: &str =
    "Afterwards I have what the archive has, and nothing else: the rest of what I have here is deleted.";
pub const IMPORT_REPLACE_WARNING: &str = "This deletes what the archive does not have: ";
pub const IMPORT_REPLACE_CONFIRM: &str = "To confirm, I type the word replace:";
pub const IMPORT_REPLACE_WORD: &str = "replace";
pub const IMPORT_WOULD: &str = "It";
pub const IMPORT_NOTHING: &str = "Everything in the archive is here already: nothing would change.";
pub const IMPORT_IMPOSSIBLE: &str = "This cannot be done:";
pub const IMPORT_DETAILS: &str = "By kind";
pub const IMPORT_KIND: &str = "Kind";
pub const IMPORT_REMOVED: &str = "Deleted";
pub const IMPORT_ADDED: &str = "Added";
pub const IMPORT_CHANGED: &str = "Changed";
pub const IMPORT_SAME: &str = "As it is";
pub const IMPORT_NOTES: &str = "Worth knowing";
pub const IMPORT_DONE: &str = "Imported";
pub const IMPORT_UNDO: &str = "Undo…";
pub const IMPORT_UNDO_TITLE: &str = "Undo this import?";
pub const IMPORT_UNDO_YES: &str = "Undo the import";
pub const IMPORT_UNDO_REST: &str = "Undo the rest";
pub const IMPORT_UNDO_NO: &str = "Leave it";
pub const IMPORT_UNDO_NOTHING: &str = "All of it was changed since: there is nothing to undo.";
pub const IMPORT_UNDOING: &str = "Undoing…";
pub const IMPORT_UNDONE: &str = "Undone";
pub const IMPORT_FAILED: &str = "Nothing was changed";
pub const IMPORT_UNKNOWN_TITLE: &str = "No answer";
pub const IMPORT_UNKNOWN: &str =
    "The connection to the server broke. What was begun there is done as a whole or not at all: my data shows which.";
pub const IMPORT_EARLIER: &str = "My imports that can be undone";
pub const IMPORT_JUST_NOW: &str = "Just now";
