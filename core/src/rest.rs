//! Requests and answers: the request builder, the response, the watch.
