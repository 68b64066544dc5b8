//! What a browser loads: the functions that `waybill` exports for it, those of one feature in each module.

use waybill as _;
