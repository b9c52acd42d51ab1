using System.Globalization;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing;
using Convoy.Lanes.Evaluation;

namespace Convoy.Cli.Evaluation;

/// <summary>Draws some of the evaluated frames, spread evenly over all, with the true lanes; each as it comes, so that no masks need be kept.</summary>
/// <param name="directory">The folder of the pictures; made when absent.</param>
/// <param name="most">How many to draw at most.</param>
internal sealed class OverlayPictures(string directory, int most)
{
    /// <summary>How many pictures are drawn.</summary>
    public int Painted { get; private set; }

    /// <summary>Draws the frame when it is one of those to draw.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="index">Its place, from 0.</param>
    /// <param name="frames">How many there are.</param>
    /// <param name="networkSize">The mask's size.</param>
    public void Offer(FrameEvaluation frame, int index, int frames, ImageSize networkSize)
    {
        if (!IsChosen(index, frames))
        {
            return;
        }

        Directory.CreateDirectory(directory);
        string name = frame.Frame.Label.RawFile.Replace('/', '-');
        OverlayPainter.Paint(
            frame.Frame.ImagePath,
            frame.Prediction.Lanes,
            frame.Frame.Label.HSamples,
            frame.Frame.Label.Lanes,
            Path.Combine(directory, Path.ChangeExtension(name, ".jpg")),
            new OverlayOptions
            {
                Mask = frame.Mask,
                MaskSize = networkSize,
                Caption = string.Create(CultureInfo.InvariantCulture, $"{frame.Prediction.Lanes.Length} lanes in {frame.Prediction.RunTimeMilliseconds:0} ms   lane F1 {frame.Segmentation.F1:0.00}   white: label"),
            });
        Painted++;
    }

    // The middle frame of each of so many equal parts; where parts are short, rounding down can put it into the part before.
    private bool IsChosen(int index, int frames)
    {
        int count = Math.Min(most, frames);
        int part = (int)((long)index * count / frames);
        return Middle(part) == index || (part + 1 < count && Middle(part + 1) == index);

        int Middle(int part) => (int)((part + 0.5) * frames / count);
    }
}
