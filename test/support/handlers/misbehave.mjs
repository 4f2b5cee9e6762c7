// Does what its input asks for.
import { FunctionError, reply } from 'now-or-never';

const ways = {
  nothing: () => undefined,
  throws: () => {
    throw new Error('the password is swordfish');
  },
  rejects: () => Promise.reject(new Error('the password is swordfish')),
  refuses: () => {
    throw new FunctionError(409, 'already there');
  },
  bigint: () => ({ n: 1n }),
  large: () => ({ text: 'x'.repeat(2 * 1024 * 1024) }),
  status: () => reply({ status: 99, body: 'x' }),
  header: () => reply({ headers: { 'Set-Cookie': 'a=b' } }),
  cycle: () => {
    const a = {};
    a.a = a;
    return a;
  },
  function: () => () => {},
};

export default ({ way }) => ways[way]();
