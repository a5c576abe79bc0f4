//! Frames written out by hand, split anywhere, and what is no SPDY.

use super::*;

/// `stream`'s frame of `bytes`.
fn data_frame(stream: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
    frame(stream, flags, bytes).to_vec()
}

fn control(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = BytesMut::new();
    frame.put_u16(CONTROL | VERSION);
    frame.put_u16(kind);
    put_length(&mut frame, 0, payload.len());
    frame.put_slice(payload);
    frame.to_vec()
}

/// All that `bytes` mean when they come in chunks of `size`.
fn read(bytes: &[u8], size: usize) -> Result<Vec<Event>, Error> {
    let mut reader = Reader::default();
    let mut events: Vec<Event> = Vec::new();
    for chunk in bytes.chunks(size) {
        reader.push(chunk);
        while let Some(event) = reader.next_event()? {
            events.push(event);
        }
    }
    Ok(events)
}

#[test]
fn frames_mean_the_same_however_they_arrive() {
    let ping = control(PING, &[0, 0, 0, 2]);
    let bytes = [
        control(2, b"\0\0\0\x01whatever"),
        control(4, b"settings"),
        data_frame(DATA_STREAM, 0, b"one"),
        ping.clone(),
        control(PING, &[0, 0, 0, 1]), // the answer to one of ours, of which there are none
        data_frame(ERROR_STREAM, FIN, b""),
        data_frame(7, 0, b"of another stream"),
        data_frame(DATA_STREAM, FIN, b"last"),
    ]
    .concat();
    let expected =
        [Event::Data("one".into()), Event::Answer(ping.into()), Event::Data("last".into()), Event::End];
    for size in 1..=bytes.len() {
        assert_eq!(read(&bytes, size).unwrap(), expected, "chunks of {size}");
    }
}

#[test]
fn what_the_node_says_of_a_failure_is_the_error() {
    let text = b"error forwarding port 1 to pod web: connection refused";
    let reset = control(RST_STREAM, &[0, 0, 0, 3, 0, 0, 0, 5]);
    for end in [data_frame(ERROR_STREAM, FIN, b""), data_frame(DATA_STREAM, FIN, b""), reset.clone()] {
        let bytes = [data_frame(ERROR_STREAM, 0, text), end].concat();
        let error = read(&bytes, 7).unwrap_err();
        assert!(error.to_string().contains("connection refused"), "{error}");
    }
    assert!(read(&reset, 1).unwrap_err().to_string().contains("ended"));
    let endless = [data_frame(ERROR_STREAM, 0, &[b'x'; 9000]), data_frame(ERROR_STREAM, FIN, b"")].concat();
    assert_eq!(read(&endless, 100).unwrap_err().to_string().len(), LONGEST_ERROR);
}

#[test]
fn what_is_no_spdy_is_refused_before_it_is_held() {
    let huge = [&[0, 0, 0, 3, 0, 0xff, 0xff, 0xff][..], b"x"].concat();
    assert!(read(&huge, 1).unwrap_err().to_string().contains("16777215 bytes"));
    let other = [0x80, 0x02, 0, 1, 0, 0, 0, 0];
    assert!(read(&other, 8).unwrap_err().to_string().contains("version"));
}

/// Written out by hand, after the SPDY/3 draft and RFC 1950, and accepted by spdystream (tests/real).
#[test]
fn both_streams_are_opened_at_once() {
    let bytes = open(80);
    let block = |kind: &str| {
        let mut block = vec![0, 0, 0, 3];
        for text in ["streamtype", kind, "port", "80", "requestid", "0"] {
            block.extend((text.len() as u32).to_be_bytes());
            block.extend(text.as_bytes());
        }
        block
    };
    let stored = |block: &[u8]| {
        let length = block.len() as u16;
        [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), block, &[0, 0, 0, 0xff, 0xff]].concat()
    };
    let first = [&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &ZLIB_HEAD, &stored(&block("error"))].concat();
    let second = [&[0, 0, 0, 3, 0, 0, 0, 0, 0, 0][..], &stored(&block("data"))].concat();
    let expected = [
        &[0x80, 3, 0, 1, FIN, 0, 0, first.len() as u8][..],
        &first,
        &[0x80, 3, 0, 1, 0, 0, 0, second.len() as u8],
        &second,
    ]
    .concat();
    assert_eq!(bytes, expected);
    assert_eq!(data(b"hi")[..], [0, 0, 0, 3, 0, 0, 0, 2, b'h', b'i']);
    assert_eq!(finish()[..], [0, 0, 0, 3, 1, 0, 0, 0]);
}
