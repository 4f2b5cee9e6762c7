/** All settings of a gateway; `cli/gateway.ts` has their names, defaults and help texts. */
export interface GatewaySettings {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** On loopback; 0 = no admin server. */
  adminPort: number;
  /** Comma-separated list. */
  natsUrl: string;
  subjectPrefix: string;
  /** Budget of a call that asks for none. */
  deadlineMs: number;
  /** Largest budget of a call. */
  maxDeadlineMs: number;
  /** undefined = what the broker's max_payload leaves. */
  maxBodyBytes: number | undefined;
  maxInFlight: number;
  /** `Retry-After` of `no_responders`, in seconds. */
  retryAfterS: number;
  drainMs: number;
  /** false = a call that finds no free slot is refused at once. */
  parking: boolean;
  /** false = parked calls wait until their deadline, even when no slot can come free in time. */
  earlyRefusal: boolean;
  /** Bytes of bodies parked for one function and group; undefined = a sixteenth of the memory. */
  maxParkedBytes: number | undefined;
}
