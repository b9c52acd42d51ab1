using Convoy.Lanes.Data;

namespace Convoy.Lanes.Evaluation;

/// <summary>What the detector made of one labelled frame.</summary>
/// <param name="Frame">The frame.</param>
/// <param name="Prediction">Its lanes at the label's rows, with the time from the decoded, normalised image to the lanes.</param>
/// <param name="Mask">The predicted mask at the network's size, row by row, 1 for lane.</param>
/// <param name="Segmentation">The mask against the true mask.</param>
/// <param name="Loss">The frame's loss.</param>
public sealed record FrameEvaluation(LaneFrame Frame, TuSimplePrediction Prediction, byte[] Mask, SegmentationScore Segmentation, double Loss);
