//! The browser transport: fetch and WebSocket, timers and tasks of the page.
