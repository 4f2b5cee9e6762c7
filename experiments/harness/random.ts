import type { Random } from '../../lib/random-stream.ts';
import { exponential } from '../../load/schedule.ts';

/** How much work a call is, in milliseconds on a worker of speed 1. */
export type SizeDistribution =
  | { readonly kind: 'constant'; readonly ms: number }
  | { readonly kind: 'uniform'; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: 'exponential'; readonly meanMs: number }
  | { readonly kind: 'pareto'; readonly shape: number; readonly fromMs: number; readonly toMs: number };

/** One draw, by inversion: one uniform number a draw, whatever the distribution. */
export function drawSize(size: SizeDistribution, random: Random): number {
  const u = random();
  switch (size.kind) {
    case 'constant':
      return size.ms;
    case 'uniform':
      return size.fromMs + (size.toMs - size.fromMs) * u;
    case 'exponential':
      return exponential(size.meanMs, u);
    case 'pareto': {
      const ratio = (size.fromMs / size.toMs) ** size.shape;
      return size.fromMs * (1 - u * (1 - ratio)) ** (-1 / size.shape);
    }
  }
}

/** Expectation of `drawSize` in milliseconds. A bounded Pareto of shape 1 is not supported. */
export function meanSize(size: SizeDistribution): number {
  switch (size.kind) {
    case 'constant':
      return size.ms;
    case 'uniform':
      return (size.fromMs + size.toMs) / 2;
    case 'exponential':
      return size.meanMs;
    case 'pareto': {
      const { shape, fromMs, toMs } = size;
      const weight = fromMs ** shape / (1 - (fromMs / toMs) ** shape);
      return (weight * shape * (fromMs ** (1 - shape) - toMs ** (1 - shape))) / (shape - 1);
    }
  }
}

/** The moments of Poisson arrivals before `endMs`, in milliseconds. */
export function poissonTimes(perSecond: number, endMs: number, random: Random): number[] {
  const times: number[] = [];
  const meanGapMs = 1000 / perSecond;
  for (let at = exponential(meanGapMs, random()); at < endMs; at += exponential(meanGapMs, random())) {
    times.push(at);
  }
  return times;
}
