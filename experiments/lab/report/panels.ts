import { type Html, html } from '../../harness/report/html.ts';
import type { Variant } from '../result.ts';
import { KIND_LABELS } from './outcomes.ts';

/** One panel for each variant, side by side where there is room; those of ours are set off. */
export function panels(
  variants: readonly Variant[],
  content: (variant: Variant, index: number) => Html,
): Html {
  return html`
<div class="panels of-${variants.length}">${variants.map(
    (variant, index) => html`
<div class="panel ${variant.kind}"><h5>${variantName(variant)}</h5>${content(variant, index)}</div>`,
  )}
</div>`;
}

/** The name of a variant, and of its kind where the name does not say it. */
export function variantName({ name, kind }: Variant): Html {
  return html`<span class="name">${name}</span> <span class="kind">${KIND_LABELS[kind]}</span>`;
}
