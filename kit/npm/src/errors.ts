// The errors: one class per family of client-go's predicates, and one per way in which nothing came of a request.

/** What the API server says of a failure. */
export interface Status {
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

/** Any failure that Portolan tells of. One that was asked for by an AbortSignal is the signal's own reason. */
export class PortolanError extends Error {}

/** The API server refused. Its subclasses are the predicates of client-go's `errors` package. */
export class ApiError extends PortolanError {
  /** The server's own words. */
  readonly status: Status;
  /** The HTTP code. */
  readonly code: number | undefined;
  /** Such as `NotFound`; "" when the server gave none. */
  readonly reason: string;
  /** How long the server asks to wait before the next try, in seconds. */
  readonly retryAfter: number | undefined;

  constructor(failure: Failure) {
    super(failure.message);
    this.status = failure.status ?? {};
    this.code = failure.code ?? undefined;
    this.reason = failure.reason ?? '';
    this.retryAfter = failure.retryAfter ?? undefined;
  }
}

/** There is no such object or resource. */
export class NotFoundError extends ApiError {}
/** The name is taken. */
export class AlreadyExistsError extends ApiError {}
/** The object has changed since it was read, or another manager owns a field that was applied. */
export class ConflictError extends ApiError {}
/** The object is not valid; `status.details.causes` says which fields. */
export class InvalidError extends ApiError {}
/** No valid credentials: the token is wrong or has expired. */
export class UnauthorizedError extends ApiError {}
/** Not allowed. */
export class ForbiddenError extends ApiError {}
/** The request is malformed. */
export class BadRequestError extends ApiError {}
/** The resource does not have the verb. */
export class MethodNotSupportedError extends ApiError {}
/** The server has none of the content types asked for. */
export class NotAcceptableError extends ApiError {}
/** The server does not read the content type sent. */
export class UnsupportedMediaTypeError extends ApiError {}
/** What was sent is larger than the server takes. */
export class RequestEntityTooLargeError extends ApiError {}
/** The server asks to slow down; see `retryAfter`. */
export class TooManyRequestsError extends ApiError {}
/** The server cannot serve now. */
export class ServiceUnavailableError extends ApiError {}
/** Something broke in the server. */
export class InternalServerError extends ApiError {}
/** The resource version or continue token is too old: list anew. */
export class ExpiredError extends ApiError {}
/** The server ran out of time. */
export class ServerTimeoutError extends ApiError {}
/** The server cannot read the object from its store. */
export class StoreReadError extends ApiError {}

/** Nobody answered, or the exchange broke off. */
export class ConnectionError extends PortolanError {
  /** Whether nothing can have come of the request, so that any may be sent again. */
  readonly unsent: boolean;

  constructor(message: string, unsent = false) {
    super(message);
    this.unsent = unsent;
  }
}

/** What arrived is not what it claims to be. */
export class DecodeError extends PortolanError {}
/** An option or argument is wrong. Nothing was sent. */
export class ConfigError extends PortolanError {}
/** Credentials could not be had. Nothing was sent. */
export class AuthError extends PortolanError {}
/** The time limit of the call ran out. */
export class TimeLimitError extends PortolanError {}
/** What the call belonged to has ended: the client or the handle was closed. */
export class ClosedError extends PortolanError {}
/** This page, transport or build cannot do it. */
export class UnsupportedError extends PortolanError {}
/** The server serves no such resource or kind. */
export class NoMatchError extends PortolanError {}
/** Several resources or kinds are meant: name the group or the version. */
export class AmbiguousError extends PortolanError {}

/** A failure as the engine tells it. */
export interface Failure {
  kind: string;
  message: string;
  class?: string;
  reason?: string;
  code?: number | null;
  retryAfter?: number | null;
  status?: Status | null;
}

const API: Record<string, new (failure: Failure) => ApiError> = {
  NotFound: NotFoundError,
  AlreadyExists: AlreadyExistsError,
  Conflict: ConflictError,
  Invalid: InvalidError,
  Unauthorized: UnauthorizedError,
  Forbidden: ForbiddenError,
  BadRequest: BadRequestError,
  MethodNotSupported: MethodNotSupportedError,
  NotAcceptable: NotAcceptableError,
  UnsupportedMediaType: UnsupportedMediaTypeError,
  RequestEntityTooLarge: RequestEntityTooLargeError,
  TooManyRequests: TooManyRequestsError,
  ServiceUnavailable: ServiceUnavailableError,
  InternalError: InternalServerError,
  Expired: ExpiredError,
  Timeout: ServerTimeoutError,
  StoreRead: StoreReadError,
};

const OTHERS: Record<string, new (message: string) => PortolanError> = {
  decode: DecodeError,
  tooLarge: DecodeError,
  config: ConfigError,
  auth: AuthError,
  timeout: TimeLimitError,
  canceled: ClosedError,
  unsupported: UnsupportedError,
  noMatch: NoMatchError,
  ambiguous: AmbiguousError,
};

// By name and not by class: a bundler may rename classes.
const NAMED = {
  PortolanError, ApiError, NotFoundError, AlreadyExistsError, ConflictError, InvalidError, UnauthorizedError, ForbiddenError, BadRequestError,
  MethodNotSupportedError, NotAcceptableError, UnsupportedMediaTypeError, RequestEntityTooLargeError, TooManyRequestsError, ServiceUnavailableError,
  InternalServerError, ExpiredError, ServerTimeoutError, StoreReadError, ConnectionError, DecodeError, ConfigError, AuthError, TimeLimitError,
  ClosedError, UnsupportedError, NoMatchError, AmbiguousError,
};
for (const [name, { prototype }] of Object.entries(NAMED)) Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });

/** The error that a failure is. @internal */
export function errorOf(failure: Failure): PortolanError {
  if (failure.kind === 'api') return new (API[failure.class ?? ''] ?? ApiError)(failure);
  if (failure.kind === 'connect') return new ConnectionError(failure.message, true);
  if (failure.kind === 'interrupted') return new ConnectionError(failure.message);
  return new (OTHERS[failure.kind] ?? PortolanError)(failure.message);
}
