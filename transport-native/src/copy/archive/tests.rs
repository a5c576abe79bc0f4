//! Archives of honest and of hostile containers.

use futures::stream;

use super::*;

/// An archive of these entries: a name as it is written, a type and a content.
fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        // As a hostile tar does it: the safe way refuses such names.
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        header.set_size(if is_link { 0 } else { content.len() as u64 });
        if is_link {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        header.set_mode(0o644);
        header.set_cksum();
        let content = if is_link { "" } else { content };
        archive.append(&header, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn unpacked(bytes: &[u8], size: usize, root: &str, target: &Path) -> Result<Copied, Error> {
    let chunks: Vec<Bytes> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
    unpack(stream::iter(chunks), root, target)
}

const FILE: EntryType = EntryType::Regular;

#[test]
fn a_tree_lands_where_it_belongs_and_links_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(&[
        ("./tree/", EntryType::Directory, ""),
        ("./tree/a/b.txt", FILE, "deep"),
        ("./tree/link", EntryType::Symlink, "/etc/passwd"),
        ("./tree/hard", EntryType::Link, "./tree/a/b.txt"),
        ("./tree/empty", FILE, ""),
    ]);
    let target = folder.path().join("copy");
    let copied = unpacked(&bytes, 100, "tree", &target).unwrap();
    assert_eq!((copied.files, copied.bytes), (2, 4));
    assert_eq!(copied.left_out, ["link", "hard"]);
    assert_eq!(fs::read(target.join("a/b.txt")).unwrap(), b"deep");
    assert!(fs::symlink_metadata(target.join("link")).is_err());
    let one = archive(&[("./file", FILE, "content")]);
    unpacked(&one, 7, "file", &folder.path().join("new/name")).unwrap();
    assert_eq!(fs::read(folder.path().join("new/name")).unwrap(), b"content");
}

#[test]
fn what_leaves_the_target_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("copy");
    for name in
        ["../out", "./tree/../../out", "/tmp/portolan-out", "./other/out", "out", "./tree/a/../../../out"]
    {
        let error = unpacked(&archive(&[(name, FILE, "x")]), 512, "tree", &target).unwrap_err();
        assert!(error.is_decode() && error.to_string().contains("not to be trusted"), "{name}: {error}");
    }
    // A link first, then a file through it: no link is ever made, so the file lies within.
    let through =
        archive(&[("./tree/door", EntryType::Symlink, "/tmp"), ("./tree/door/portolan-out", FILE, "x")]);
    unpacked(&through, 512, "tree", &target).unwrap();
    assert!(target.join("door/portolan-out").is_file() && !Path::new("/tmp/portolan-out").exists());
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["copy"]);
}

#[cfg(unix)]
#[test]
fn a_link_that_was_there_before_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (target, outside) = (folder.path().join("copy"), folder.path().join("outside"));
    fs::create_dir_all(&target).unwrap();
    std::os::unix::fs::symlink(&outside, target.join("file")).unwrap();
    let error = unpacked(&archive(&[("./tree/file", FILE, "x")]), 512, "tree", &target).unwrap_err();
    assert!(error.to_string().contains("is a symlink"), "{error}");
    assert!(!outside.exists());
}

#[test]
fn what_is_cut_off_or_no_archive_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let whole = archive(&[("./tree/file", FILE, &"x".repeat(2000))]);
    for cut in [10, 511, 513, 1500] {
        assert!(unpacked(&whole[..cut], 64, "tree", folder.path()).is_err(), "cut at {cut}");
    }
    assert!(unpacked(&[b'x'; 600], 64, "tree", folder.path()).unwrap_err().is_decode());
    let fifo = archive(&[("./tree/fifo", EntryType::Fifo, "")]);
    assert_eq!(unpacked(&fifo, 64, "tree", folder.path()).unwrap().left_out, ["fifo"]);
}

#[test]
fn what_describes_an_entry_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(1 << 40);
        header.set_cksum();
        let endless = stream::repeat(Bytes::from_static(&[b'x'; 4096]));
        let chunks = stream::iter([Bytes::copy_from_slice(header.as_bytes())]).chain(endless);
        let error = unpack(chunks, "tree", folder.path()).unwrap_err();
        assert!(error.is_decode() && error.to_string().contains("not to be trusted"), "{kind:?}: {error}");
    }
    let mut sparse = Header::new_gnu();
    sparse.set_path("./tree/file").unwrap();
    sparse.set_entry_type(EntryType::GNUSparse);
    sparse.set_size(0);
    sparse.as_gnu_mut().unwrap().realsize = *b"00000000000\0";
    sparse.set_cksum();
    let error = unpacked(sparse.as_bytes(), 512, "tree", folder.path()).unwrap_err();
    assert!(error.to_string().contains("sparse"), "{error}");
    let links = vec![("./tree/link", EntryType::Symlink, "x"); 1002];
    let copied = unpacked(&archive(&links), 512, "tree", folder.path()).unwrap();
    assert_eq!((copied.left_out.len(), copied.more_left_out), (1000, 2));
}

#[test]
fn what_comes_after_the_archive_is_taken_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = archive(&[("./file", FILE, "content")]);
    bytes.resize(20 << 10, 0);
    let chunks: Vec<Bytes> = bytes.chunks(512).map(Bytes::copy_from_slice).collect();
    let mut chunks = stream::iter(chunks);
    unpack(&mut chunks, "file", &folder.path().join("copy")).unwrap();
    assert_eq!(block_on(chunks.next()), None);
}

#[test]
fn a_file_that_changes_while_it_is_read_breaks_no_archive() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("file");
    fs::write(&source, "content").unwrap();
    let found = fs::metadata(&source).unwrap();
    let (sender, chunks) = mpsc::channel(100);
    let mut archive = Builder::new(Outgoing(sender));
    append(&mut archive, Path::new("tree/grown"), &found, &b"content and more"[..]).unwrap();
    append(&mut archive, Path::new("tree/same"), &found, &b"content"[..]).unwrap();
    drop(archive);
    let target = folder.path().join("copy");
    assert_eq!(unpack(chunks, "tree", &target).unwrap().files, 2);
    for name in ["grown", "same"] {
        assert_eq!(fs::read(target.join(name)).unwrap(), b"content");
    }
    let (sender, _chunks) = mpsc::channel(100);
    let short = append(&mut Builder::new(Outgoing(sender)), Path::new("short"), &found, &b"con"[..]);
    assert!(short.unwrap_err().to_string().contains("shorter"));
}

#[cfg(unix)]
#[test]
fn what_is_packed_is_what_unpacks() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir_all(source.join("sub/empty")).unwrap();
    fs::write(source.join("sub/file"), "content").unwrap();
    let long = "long".repeat(50);
    fs::write(source.join(&long), "").unwrap();
    std::os::unix::fs::symlink("sub/file", source.join("link")).unwrap();
    let (sender, chunks) = mpsc::channel(1);
    let packing = std::thread::spawn(move || pack(&source, "tree", sender));
    let copied = unpack(chunks, "tree", &folder.path().join("copy")).unwrap();
    assert_eq!(copied.left_out, ["link"]);
    let packed = packing.join().unwrap().unwrap();
    assert_eq!((packed.files, packed.bytes, packed.left_out.len()), (2, 7, 0));
    assert!(folder.path().join("copy").join(&long).is_file());
    assert_eq!(fs::read(folder.path().join("copy/sub/file")).unwrap(), b"content");
    assert!(folder.path().join("copy/sub/empty").is_dir());
    let (sender, _) = mpsc::channel(1);
    let error = pack(&folder.path().join("none"), "tree", sender).unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
}
