/** Solves `matrix · x = right` by Gaussian elimination with pivots; changes both. A column that nothing is known of becomes 0. */
export const solve = (matrix: Float64Array[], right: Float64Array): number[] => {
  const size = right.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++)
      if (Math.abs(matrix[row]![column]!) > Math.abs(matrix[pivot]![column]!)) pivot = row;
    if (Math.abs(matrix[pivot]![column]!) < 1e-12) continue;
    [matrix[column], matrix[pivot]] = [matrix[pivot]!, matrix[column]!];
    [right[column], right[pivot]] = [right[pivot]!, right[column]!];
    for (let row = column + 1; row < size; row++) {
      const factor = matrix[row]![column]! / matrix[column]![column]!;
      for (let i = column; i < size; i++) matrix[row]![i]! -= factor * matrix[column]![i]!;
      right[row]! -= factor * right[column]!;
    }
  }
  const x = Array.from({ length: size }, () => 0);
  for (let row = size - 1; row >= 0; row--) {
    if (Math.abs(matrix[row]![row]!) < 1e-12) continue;
    let rest = right[row]!;
    for (let i = row + 1; i < size; i++) rest -= matrix[row]![i]! * x[i]!;
    x[row] = rest / matrix[row]![row]!;
  }
  return x;
};
