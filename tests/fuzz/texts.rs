//! Texts that people write: kubeconfigs, selectors, quantities.

use portolan::config::{Kubeconfig, Overrides};
use portolan::meta::{FieldSelector, LabelSelector, Quantity};
use portolan::policy::Random;

use crate::{SECRET, below, hides_secrets, mutate, pick, rounds};

fn kubeconfig() -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: dev\n\
         contexts:\n- name: dev\n  context: {{cluster: c, user: u, namespace: n}}\n\
         clusters:\n- name: c\n  cluster:\n    server: https://host:6443\n    insecure-skip-tls-verify: true\n\
         users:\n- name: u\n  user:\n    token: {SECRET}\n    as: jo\n    as-groups: [a, b]\n\
         - name: v\n  user: {{username: a, password: {SECRET}}}\n"
    )
}

#[test]
fn kubeconfigs_are_read_or_refused_and_never_shown() {
    const TOKENS: [&[u8]; 12] = [
        b"&a [*a, *a, *a]",
        b"*a",
        b"{{{{{{{{",
        b"- - - -",
        b"!!binary x",
        b"\n---\n",
        b"? ",
        b"|\n",
        b"<<: *a\n",
        b"\t",
        b"\xff",
        b"'",
    ];
    rounds(8_000, |chance| {
        let mut bytes = kubeconfig().into_bytes();
        mutate(chance, &mut bytes, &TOKENS);
        let read = Kubeconfig::parse(&bytes, "FILE").and_then(|file| {
            let file = file.relative_to("/folder".as_ref());
            file.clone().merge(file).overridden(&Overrides::default())?.resolve(None)
        });
        read.err().iter().for_each(hides_secrets);
    });
}

fn text(chance: &mut Random, pieces: &[&str]) -> String {
    (0..below(chance, 12)).map(|_| *pick(chance, pieces)).collect()
}

#[test]
fn label_selectors_print_what_they_read() {
    const PIECES: [&str; 18] = [
        "a", "b.c/d", "x-1", " in ", " notin ", "(", ")", ",", "=", "==", "!=", "!", ">", "<", " ", "7", "ü",
        "in",
    ];
    rounds(150_000, |chance| {
        let text = text(chance, &PIECES);
        if let Ok(selector) = text.parse::<LabelSelector>() {
            let printed = selector.to_string();
            assert_eq!(printed.parse::<LabelSelector>().unwrap(), selector, "{text:?} printed {printed:?}");
        }
    });
}

#[test]
fn field_selectors_print_what_they_read() {
    const PIECES: [&str; 12] =
        ["a", "metadata.name", ",", "=", "==", "!=", "\\", "\\,", "\\=", "!", "ü", " "];
    rounds(150_000, |chance| {
        let text = text(chance, &PIECES);
        if let Ok(selector) = text.parse::<FieldSelector>() {
            let printed = selector.to_string();
            let again: FieldSelector = printed.parse().unwrap();
            let sorted = |selector: &FieldSelector| {
                let mut all = selector.requirements().to_vec();
                all.sort_by(|left, right| format!("{left:?}").cmp(&format!("{right:?}")));
                all
            };
            assert_eq!(sorted(&again), sorted(&selector), "{text:?} printed {printed:?}");
        }
        let escaped = FieldSelector::escape(&text);
        assert_eq!(FieldSelector::unescape(&escaped), Some(text));
    });
}

#[test]
fn quantities_print_what_they_read_and_add_up() {
    const PIECES: [&str; 24] = [
        "0",
        "1",
        "9",
        "12",
        "000",
        "5",
        ".",
        "-",
        "+",
        "n",
        "u",
        "m",
        "k",
        "M",
        "G",
        "T",
        "P",
        "E",
        "Ki",
        "Mi",
        "Ei",
        "e3",
        "E-5",
        "99999999999",
    ];
    rounds(150_000, |chance| {
        let (left, right) = (text(chance, &PIECES), text(chance, &PIECES));
        let (Ok(left), Ok(right)) = (left.parse::<Quantity>(), right.parse::<Quantity>()) else { return };
        for quantity in [&left, &right] {
            let canonical = quantity.clone().with_format(quantity.format()).to_string();
            for printed in [quantity.to_string(), canonical] {
                assert_eq!(&printed.parse::<Quantity>().unwrap(), quantity, "{printed}");
            }
            let _ = (quantity.value(), quantity.milli_value(), quantity.as_f64(), quantity.rounded(0));
        }
        if let Some(sum) = left.checked_add(&right) {
            assert_eq!(sum.to_string().parse::<Quantity>().unwrap(), sum);
            assert_eq!(sum.checked_sub(&right).as_ref(), Some(&left));
            assert_eq!(right.checked_add(&left), Some(sum.clone()));
            assert_eq!(sum.cmp(&left), right.cmp(&Quantity::default()));
        }
    });
}
