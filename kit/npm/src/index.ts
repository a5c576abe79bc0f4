// Portolan for TypeScript: `connect` gives a Client; everything else comes of it.
import { Client } from './client.js';
import type { ConnectOptions } from './settings.js';

/**
 * A client of an API server, or of the `kubectl proxy` the page came from. It begins at once and tells of failures with the
 * calls that meet them.
 */
export function connect(options: ConnectOptions = {}): Client {
  return new Client(options);
}

export * from './errors.js';
export { Client } from './client.js';
export type { CallOptions, DeleteOptions, ListOptions, ObjectOptions, Open, PatchType, RawRequest, WriteOptions } from './client.js';
export { Feed } from './feed.js';
export { Entry, Informer } from './informer.js';
export type { InformerEvent, InformerListeners, InformerOptions, InformerStatus } from './informer.js';
export type { DiscoveredResource, Discovery, Gvr, GroupVersionResource, KubernetesObject, List, ObjectMeta, Resource } from './kubernetes.js';
export { clearData } from './keeper.js';
export { LiveQuery } from './live-query.js';
export type { Cell, Column, Condition, Filter, LiveQueryOptions, Query, Row, Snapshot, Window } from './live-query.js';
export type { ConnectOptions, Mode, WarmStart } from './settings.js';
export { Exec } from './streams.js';
export type { ExecOptions, LogOptions, Output } from './streams.js';
