using static TorchSharp.torch;

namespace Convoy.Torch.Optim;

/// <summary>Elements of one parameter that one thread updates: where they, their gradients and their moments lie.</summary>
/// <param name="Parameter">The first element.</param>
/// <param name="Gradient">Its gradient.</param>
/// <param name="Average">Its mean of gradients.</param>
/// <param name="SquareAverage">Its mean of squared gradients.</param>
/// <param name="Count">How many elements.</param>
/// <param name="Dtype">Float32 or Float64.</param>
/// <param name="Coefficients">The factors of the update.</param>
internal readonly record struct AdamWPiece(nint Parameter, nint Gradient, nint Average, nint SquareAverage, long Count, ScalarType Dtype, AdamWCoefficients Coefficients);
