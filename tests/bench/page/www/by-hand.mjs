// JavaScript by hand: fetch, JSON.parse, a Map by key.
import { store } from './javascript.mjs';

export const sync = () => store((list) => list.items);
