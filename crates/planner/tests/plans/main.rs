//! Plans of whole regions: drawn, checked against what every plan promises, and measured against
//! bounds that are proved.

mod bad_plans;
mod checker;
mod drawing;
mod pictures;
mod pilots;
mod promises;
mod quality;
mod regions;
