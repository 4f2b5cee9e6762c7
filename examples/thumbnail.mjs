// Makes an image smaller. Needs `npm install sharp`.
import { defineFunction, FunctionError, reply } from 'now-or-never';
import sharp from 'sharp';

const FORMATS = ['jpeg', 'png', 'webp'];
const MAX_PIXELS = 50_000_000;

export default defineFunction({
  description:
    'A JPEG, PNG or WebP at most X-Fn-Width pixels wide (320 unless set), in the format it came in.',
  threads: true,
  async run(input, ctx) {
    const width = readWidth(ctx.headers['x-fn-width']);
    const format = await readFormat(input);
    try {
      // Turned upright first (EXIF), so that the width is that of what people see.
      const { data, info } = await sharp(input, { autoOrient: true, limitInputPixels: MAX_PIXELS })
        .resize({ width, withoutEnlargement: true })
        .toFormat(format)
        .toBuffer({ resolveWithObject: true });
      return reply({
        contentType: `image/${format}`,
        headers: { 'X-Fn-Width': String(info.width), 'X-Fn-Height': String(info.height) },
        body: data,
      });
    } catch (cause) {
      const message = `the ${format} image is damaged, or has over ${MAX_PIXELS} pixels`;
      throw new FunctionError(422, message, { cause });
    }
  },
});

function readWidth(text = '320') {
  const width = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (width >= 1 && width <= 4096) return width;
  throw new FunctionError(400, `X-Fn-Width "${text}" must be a whole number, 1 to 4096`);
}

async function readFormat(input) {
  const format = input instanceof Uint8Array ? await formatOf(input) : undefined;
  if (FORMATS.includes(format)) return format;
  throw new FunctionError(
    415,
    `the body must be a JPEG, PNG or WebP image, got ${format ?? 'something else'}`,
  );
}

async function formatOf(bytes) {
  try {
    return (await sharp(bytes).metadata()).format;
  } catch {
    return undefined;
  }
}
