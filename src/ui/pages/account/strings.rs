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
