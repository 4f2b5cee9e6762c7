// A function that never answers by itself: its calls run until their deadline.
export default {
  name: 'bench',
  slots: 10_000,
  run: (_input, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    }),
};
