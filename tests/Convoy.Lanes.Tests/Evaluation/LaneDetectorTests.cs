using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Lanes.Evaluation;
using Convoy.Lanes.Losses;
using Convoy.Lanes.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Evaluation;

public sealed class LaneDetectorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    // The masks of the plain model, frame by frame.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Frames_OfADetector_ScoreAsThePlainModelInEvaluationMode(bool channelsLast)
    {
        torch.set_num_threads(1);
        var size = new ImageSize(96, 64);
        SyntheticDataset.Write(_folder.File("data"), new SyntheticOptions { Frames = 3, Size = new ImageSize(128, 72) }, cancellation: TestContext.Current.CancellationToken);
        LaneDataset frames = LaneDataset.Open(_folder.File("data"));
        using LaneDetectionModel model = Trained(frames, size);
        using var detector = new LaneDetector(Copy(model), size, channelsLast);
        using var evaluator = new Evaluator(detector, frames);
        using var reader = new ImageReader(size);

        FrameEvaluation[] evaluated = [.. evaluator.Frames(TestContext.Current.CancellationToken)];

        Assert.Equal(frames.Count, evaluated.Length);
        foreach (FrameEvaluation frame in evaluated)
        {
            using IDisposable noGrad = no_grad();
            byte[] mask = LaneDetector.Mask(Logits(model, reader.ReadTensor(frame.Frame.ImagePath, channelsLast: false, out _)));
            int different = mask.Zip(frame.Mask).Count(pair => pair.First != pair.Second);

            // Rounding may turn a pixel whose two logits are equal but for it.
            Assert.InRange(different, 0, mask.Length / 1000);
            Assert.Contains((byte)1, mask);
            Assert.Contains((byte)0, mask);
        }
    }

    // A few steps, so that the running statistics and the batch norms' weights are no longer 0 and 1, and a bias of the last layer
    // with which about half of the pixels are lane.
    private static LaneDetectionModel Trained(LaneDataset frames, ImageSize size)
    {
        random.manual_seed(2);
        var model = new LaneDetectionModel();
        model.train();
        using var loader = new LaneDataLoader(frames, new LaneLoaderOptions { ImageSize = size, BatchSize = frames.Count });
        using var optimizer = optim.AdamW(model.parameters(), 0.003);
        using var criterion = new LaneLoss();
        for (int step = 0; step < 4; step++)
        {
            foreach (LaneBatch batch in loader.Epoch([.. Enumerable.Range(0, frames.Count)], epoch: step))
            {
                using var scope = NewDisposeScope();
                using LaneBatch all = batch;
                optimizer.zero_grad();
                criterion.call(model.call(all.Images), all.Masks).backward();
                optimizer.step();
            }
        }

        model.eval();
        using IDisposable noGrad = no_grad();
        using var reader = new ImageReader(size);
        Tensor logits = Logits(model, reader.ReadTensor(frames.Frames[0].ImagePath, channelsLast: false, out _));
        model.state_dict()["head.bias"][1] -= (logits.select(1, 1) - logits.select(1, 0)).median();
        return model;
    }

    private static Tensor Logits(LaneDetectionModel model, Tensor image) => LaneDetectionModel.Enlarge(model.call(image), image.shape[2], image.shape[3]);

    private static LaneDetectionModel Copy(LaneDetectionModel model)
    {
        var copy = new LaneDetectionModel();
        copy.load_state_dict(model.state_dict());
        return copy;
    }
}
