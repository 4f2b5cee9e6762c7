// Says how many bytes its input has.
export default (input) => ({ bytes: input === undefined ? 0 : input.length });
