// The function that our worker serves, as a user would write it.
import { answer } from './answer.mjs';

export default { name: 'bench', run: () => answer() };
