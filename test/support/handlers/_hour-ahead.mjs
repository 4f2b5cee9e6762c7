// Preloaded into a program, so that it lives an hour ahead of everybody else.
const HOUR_MS = 3_600_000;
const { now } = Date;
const { timeOrigin } = performance;

Date.now = () => now() + HOUR_MS;
Object.defineProperty(performance, 'timeOrigin', { value: timeOrigin + HOUR_MS });
