// Takes one shape of input only.
import { z } from 'zod';

export default {
  input: z.object({ age: z.int().min(0), name: z.string().min(1) }),
  run: ({ name }) => ({ hello: name }),
};
