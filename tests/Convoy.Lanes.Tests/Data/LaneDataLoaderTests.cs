using System.Security.Cryptography;
using Convoy.Lanes.Data;
using Convoy.Training.Loading;
using SkiaSharp;
using TorchSharp;

namespace Convoy.Lanes.Tests.Data;

public class LaneDataLoaderTests
{
    private static readonly ImageSize Size = new(160, 96);

    public LaneDataLoaderTests() => torch.set_num_threads(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Epoch_AnyWorkersCacheAndPrefetch_GivesBitwiseTheSame()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 11);
        int[] order = [10, 3, 0, 7, 7, 1, 9, 2, 8, 4, 5, 6];
        foreach (bool channelsLast in new[] { false, true })
        {
            LaneLoaderOptions options = Options() with { ChannelsLast = channelsLast, Workers = 0 };
            List<string> expected = Prints(dataset, options, order, epoch: 1);
            Assert.Equal(3, expected.Count);
            Assert.Equal(expected, Prints(dataset, options with { Workers = 1 }, order, epoch: 1));
            Assert.Equal(expected, Prints(dataset, options with { Workers = 4, PrefetchBatches = 1 }, order, epoch: 1));
            Assert.Equal(expected, Prints(dataset, options with { Workers = 4, PrefetchBatches = 5 }, order, epoch: 1));
            Assert.Equal(expected, Prints(dataset, options with { Workers = 2, CacheDirectory = folder.File("cache") }, order, epoch: 1));
            Assert.Equal(expected, Prints(dataset, options with { Workers = 0, CacheDirectory = folder.File("cache") }, order, epoch: 1));
            Assert.Equal(expected[2..], Prints(dataset, options with { Workers = 3 }, order, epoch: 1, firstBatch: 2));
            Assert.NotEqual(expected[0], Prints(dataset, options, order, epoch: 2)[0]);
            Assert.NotEqual(expected[0], Prints(dataset, options with { Seed = 5 }, order, epoch: 1)[0]);
        }
    }

    [Fact]
    public void Epoch_FrameInAnotherBatchAndPlace_IsTheSame()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 6);
        LaneLoaderOptions options = Options() with { BatchSize = 1 };

        List<string> one = Prints(dataset, options, [0, 1, 2, 3, 4, 5], epoch: 3);
        List<string> other = Prints(dataset, options, [5, 3, 1], epoch: 3);

        Assert.Equal([one[5], one[3], one[1]], other);
    }

    [Theory]
    [InlineData(false, new[] { 5, 5, 1 })]
    [InlineData(true, new[] { 5, 5 })]
    public void Epoch_ShortLastBatch_IsKeptOrDropped(bool dropLast, int[] sizes)
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 11);
        using var loader = new LaneDataLoader(dataset, Options() with { DropLast = dropLast }, cancellation: Token);
        var seen = new List<int>();
        var counts = new List<int>();

        foreach (LaneBatch batch in loader.Epoch([.. Enumerable.Range(0, 11)], 0, cancellation: Token))
        {
            using (batch)
            {
                counts.Add(batch.FrameIndices.Count);
                seen.AddRange(batch.FrameIndices);
                Assert.Equal([batch.FrameIndices.Count, 3, Size.Height, Size.Width], batch.Images.shape);
                Assert.Equal([batch.FrameIndices.Count, Size.Height, Size.Width], batch.Masks.shape);
                Assert.Equal((torch.ScalarType.Float32, torch.ScalarType.Byte), (batch.Images.dtype, batch.Masks.dtype));
                Assert.InRange(batch.WaitSeconds, 0, 60);
            }

            Assert.Throws<ObjectDisposedException>(() => batch.Images);
        }

        Assert.Equal(sizes, counts);
        Assert.Equal(Enumerable.Range(0, sizes.Sum()), seen);
    }

    [Fact]
    public void Epoch_Augmented_MaskSitsOnThePaint()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 12);
        LaneLoaderOptions options = Options() with
        {
            ImageSize = SmallDataset.Size,
            BatchSize = 1,
            LineWidth = 1,
            Augmentation = AugmentationOptions.Default with { BlurProbability = 0, RotateDegrees = 8 },
        };
        using var loader = new LaneDataLoader(dataset, options, cancellation: Token);
        int flips = 0;
        for (int epoch = 0; epoch < 3; epoch++)
        {
            foreach (LaneBatch batch in loader.Epoch([.. Enumerable.Range(0, 12)], epoch, cancellation: Token))
            {
                using (batch)
                {
                    float[] red = batch.Images[0][0].contiguous().data<float>().ToArray();
                    byte[] mask = batch.Masks[0].data<byte>().ToArray();
                    float dark = red.Order().ElementAt(red.Length / 2);
                    float bright = red.Max();
                    int[] lane = [.. Enumerable.Range(0, mask.Length).Where(i => mask[i] == 1)];
                    Assert.True(lane.Length > 100);

                    // The paint is 3 wide and the mask 1: its middle must be nearly as bright as anything in the picture.
                    double onPaint = lane.Average(i => red[i] > dark + ((bright - dark) * 0.5) ? 1.0 : 0.0);
                    Assert.True(onPaint > 0.97, $"frame {batch.FrameIndices[0]}, epoch {epoch}: {onPaint:P0} of the mask is on paint");
                    flips += Augmentation.Draw(options.Augmentation, new SampleRandom(options.Seed, epoch, batch.FrameIndices[0])).Flip ? 1 : 0;
                }
            }
        }

        Assert.InRange(flips, 8, 28);
    }

    [Fact]
    public void Epoch_MaskFiles_AreUsedCachedAndFlipped()
    {
        using var folder = new TemporaryFolder();
        SmallDataset.WriteFrame(folder, 0);
        using (SKBitmap file = TestPicture.Of(SmallDataset.Size, (x, y) => x is >= 20 and < 60 && y is >= 100 and < 140 ? ((byte)3, (byte)3, (byte)3) : default))
        {
            TestPicture.Save(file, folder.File("mask.png"), SKEncodedImageFormat.Png, 100);
        }

        folder.Write("seg_label/list/train.txt", "/clips/a/0/20.jpg /mask.png 1 1\n");
        LaneDataset dataset = LaneDataset.Open(folder.Root);
        AugmentationOptions flip = AugmentationOptions.None with { FlipProbability = 1 };
        foreach (string? cache in new[] { null, folder.File("cache") })
        {
            foreach (bool flipped in new[] { false, true })
            {
                LaneLoaderOptions options = Options() with { CacheDirectory = cache, Augmentation = flipped ? flip : AugmentationOptions.None };
                using var loader = new LaneDataLoader(dataset, options, cancellation: Token);
                using LaneBatch batch = Assert.Single(loader.Epoch([0], 0, cancellation: Token));
                byte[] mask = batch.Masks.data<byte>().ToArray();
                int[] columns = [.. Enumerable.Range(0, mask.Length).Where(i => mask[i] == 1).Select(i => i % Size.Width).Distinct().Order()];

                Assert.Equal(flipped ? Enumerable.Range(130, 20) : Enumerable.Range(10, 20), columns);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Epoch_BadImage_DeliversTheBatchesBeforeThenNamesIt(int workers)
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 10);
        File.WriteAllText(dataset.Frames[6].ImagePath, "no picture");
        File.WriteAllText(dataset.Frames[7].ImagePath, "");
        using var loader = new LaneDataLoader(dataset, Options() with { Workers = workers, BatchSize = 2, PrefetchBatches = 4 }, cancellation: Token);
        int delivered = 0;

        var error = Assert.Throws<BadInputException>(() =>
        {
            foreach (LaneBatch batch in loader.Epoch([.. Enumerable.Range(0, 10)], 0, cancellation: Token))
            {
                batch.Dispose();
                delivered++;
            }
        });

        Assert.Equal(3, delivered);
        Assert.Contains(dataset.Frames[6].ImagePath, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dispose_InTheMiddleOfAnEpoch_StopsTheWorkers()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 4);
        var loader = new LaneDataLoader(dataset, Options() with { BatchSize = 2 }, cancellation: Token);
        int[] order = [.. Enumerable.Range(0, 4000).Select(i => i % 4)];
        using IEnumerator<LaneBatch> batches = loader.Epoch(order, 0, cancellation: Token).GetEnumerator();
        Assert.True(batches.MoveNext());

        loader.Dispose();

        Assert.Throws<ObjectDisposedException>(() => batches.MoveNext());
        Assert.Throws<ObjectDisposedException>(() => loader.Epoch(order, 0, cancellation: Token).First());
        batches.Current?.Dispose();
    }

    [Fact]
    public void Epoch_CancelledOrLeftEarly_EndsPromptly()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 4);
        using var loader = new LaneDataLoader(dataset, Options() with { BatchSize = 2 }, cancellation: Token);
        int[] order = [.. Enumerable.Range(0, 4000).Select(i => i % 4)];
        using (LaneBatch first = loader.Epoch(order, 0, cancellation: Token).First())
        {
            Assert.Equal([0, 1], first.FrameIndices);
        }

        using var cancellation = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (LaneBatch batch in loader.Epoch(order, 0, cancellation: cancellation.Token))
            {
                batch.Dispose();
                cancellation.Cancel();
            }
        });
    }

    [Fact]
    public void Epoch_ManyEpochsInDisposeScopes_KeepsTheNumberOfTensorsFlat()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 6);
        using var loader = new LaneDataLoader(dataset, Options() with { BatchSize = 2 }, cancellation: Token);
        Run(0);
        // Of this thread: other tests make tensors at the same time.
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int epoch = 1; epoch < 10; epoch++)
        {
            Run(epoch);
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Run(int epoch)
        {
            using IEnumerator<LaneBatch> batches = loader.Epoch([0, 1, 2, 3, 4, 5], epoch, cancellation: Token).GetEnumerator();
            while (true)
            {
                using var scope = torch.NewDisposeScope();
                if (!batches.MoveNext())
                {
                    break;
                }

                using LaneBatch batch = batches.Current;
                Assert.True(batch.Images.abs().sum().item<float>() > 0);
            }
        }
    }

    [Fact]
    public void Epoch_RealFrames_LoadsAll()
    {
        LaneDataset dataset = LaneDataset.Open(RealData.Require("tusimple"));
        dataset.Verify();
        using var loader = new LaneDataLoader(dataset, new LaneLoaderOptions { Workers = 2, Augmentation = AugmentationOptions.Default, ChannelsLast = true }, cancellation: Token);
        int count = 0;

        foreach (LaneBatch batch in loader.Epoch([.. Enumerable.Range(0, dataset.Count)], 0, cancellation: Token))
        {
            using (batch)
            {
                count += batch.FrameIndices.Count;
                Assert.InRange(batch.Masks.to(torch.ScalarType.Float32).mean().item<float>(), 0.003f, 0.03f);
                Assert.InRange(batch.Images.mean().item<float>(), -2, 2);
            }
        }

        Assert.Equal(143, count);
    }

    [Fact]
    public void Constructor_BadOptions_NamesTheFirst()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 1);

        Assert.Throws<BadInputException>(() => new LaneDataLoader(dataset, Options() with { BatchSize = 0 }, cancellation: Token));
        Assert.Throws<BadInputException>(() => new LaneDataLoader(dataset, Options() with { Workers = -1 }, cancellation: Token));
        Assert.Throws<BadInputException>(() => new LaneDataLoader(dataset, Options() with { LineWidth = 0 }, cancellation: Token));
    }

    private static LaneLoaderOptions Options() => new()
    {
        ImageSize = Size,
        BatchSize = 5,
        Workers = 2,
        Augmentation = AugmentationOptions.Default with { BlurProbability = 0.5 },
        Seed = 11,
    };

    /// <summary>One hash for each batch: images, masks and frame indices.</summary>
    private static List<string> Prints(LaneDataset dataset, LaneLoaderOptions options, int[] order, int epoch, int firstBatch = 0)
    {
        using var loader = new LaneDataLoader(dataset, options, cancellation: Token);
        var prints = new List<string>();
        foreach (LaneBatch batch in loader.Epoch(order, epoch, firstBatch, Token))
        {
            using (batch)
            {
                Assert.Equal(options.ChannelsLast ? 1 : (long)Size.Width * Size.Height, batch.Images.stride(1));
                using torch.Tensor images = batch.Images.contiguous();
                byte[] bytes = [.. images.bytes, .. batch.Masks.bytes];
                prints.Add($"{string.Join(' ', batch.FrameIndices)}: {Convert.ToHexString(SHA256.HashData(bytes))}");
            }
        }

        return prints;
    }
}
