/// <reference lib="esnext.disposable" preserve="true" />
// `Symbol.dispose`, where a browser does not have it yet.
(Symbol as { dispose?: symbol }).dispose ??= Symbol('Symbol.dispose');
