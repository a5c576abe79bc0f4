//! The words a workload is named with.

/// Namespaces with what their apps are about.
pub(crate) const TEAMS: [(&str, &[&str]); 6] = [
    ("shop", &["cart", "catalog", "checkout", "storefront", "reviews", "wishlist", "pricing", "stock"]),
    ("payments", &["ledger", "invoices", "refunds", "fraud", "payouts", "tax", "billing", "cards"]),
    ("search", &["query", "indexer", "ranking", "suggest", "crawler", "synonyms", "facets", "spelling"]),
    ("media", &["images", "video", "thumbnails", "uploads", "captions", "streams", "archive", "covers"]),
    ("accounts", &["login", "profile", "sessions", "consent", "mail", "devices", "avatars", "invites"]),
    ("platform", &["gateway", "flags", "audit", "config", "metrics", "tracing", "quota", "notifier"]),
];

/// What an app does for its subject.
pub(crate) const ROLES: [&str; 8] =
    ["api", "worker", "web", "cache", "sync", "scheduler", "relay", "exporter"];

/// Zones nodes are in.
pub(crate) const ZONES: [&str; 3] = ["north-1a", "north-1b", "north-1c"];
