using Convoy.Lanes.Data;
using SkiaSharp;
using TorchSharp;

namespace Convoy.Lanes.Tests.Data;

public class ImageReaderTests
{
    [Theory]
    [InlineData(1280, 720)]
    [InlineData(640, 360)]
    [InlineData(1920, 1080)]
    [InlineData(300, 200)]
    public void Read_AnySize_KeepsPlacesOfTheScene(int width, int height)
    {
        // A ramp in red across and in green down: a wrong mapping of pixels shows as an offset.
        using var folder = new TemporaryFolder();
        using SKBitmap bitmap = TestPicture.Of(
            new ImageSize(width, height),
            (x, y) => ((byte)(255 * (x + 0.5) / width), (byte)(255 * (y + 0.5) / height), 100));
        foreach (SKEncodedImageFormat format in new[] { SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Png })
        {
            TestPicture.Save(bitmap, folder.File("image"), format, 98);
            using var reader = new ImageReader(ImageSize.Network);
            byte[] pixels = new byte[800 * 360 * 4];

            Assert.Equal(new ImageSize(width, height), reader.Read(folder.File("image"), pixels));

            for (int y = 2; y < 358; y += 7)
            {
                for (int x = 2; x < 798; x += 13)
                {
                    int at = 4 * ((y * 800) + x);
                    Assert.InRange(pixels[at] - (255 * (x + 0.5) / 800), -3.5, 3);
                    Assert.InRange(pixels[at + 1] - (255 * (y + 0.5) / 360), -3.5, 3);
                    Assert.Equal(255, pixels[at + 3]);
                }
            }
        }
    }

    [Fact]
    public void ReadTensor_BothMemoryOrders_HoldTheSameNormalisedNumbers()
    {
        torch.set_num_threads(1);
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 1);
        var size = new ImageSize(331, 97);
        using var reader = new ImageReader(size);
        byte[] pixels = new byte[size.Width * size.Height * 4];
        reader.Read(dataset.Frames[0].ImagePath, pixels);
        using var scope = torch.NewDisposeScope();

        torch.Tensor contiguous = reader.ReadTensor(dataset.Frames[0].ImagePath, channelsLast: false, out ImageSize original);
        torch.Tensor channelsLast = reader.ReadTensor(dataset.Frames[0].ImagePath, channelsLast: true, out _);

        Assert.Equal(SmallDataset.Size, original);
        Assert.Equal([1, 3, 97, 331], contiguous.shape);
        Assert.Equal(1, channelsLast.stride(1));
        Assert.True(contiguous.is_contiguous());
        Assert.True(contiguous.eq(channelsLast).all().item<bool>());
        float[] values = contiguous.data<float>().ToArray();
        for (int channel = 0; channel < 3; channel++)
        {
            for (int i = 0; i < size.Width * size.Height; i++)
            {
                double expected = ((pixels[(4 * i) + channel] / 255.0) - ImageNetNormalization.Mean[channel]) / ImageNetNormalization.StandardDeviation[channel];
                Assert.Equal(expected, values[(channel * size.Width * size.Height) + i], 1e-5);
            }
        }
    }

    [Fact]
    public void Read_CutOffImage_NamesIt()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 1);
        string path = dataset.Frames[0].ImagePath;
        byte[] whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
        using var reader = new ImageReader(SmallDataset.Size);

        var error = Assert.Throws<BadInputException>(() => reader.Read(path, new byte[320 * 180 * 4]));

        Assert.StartsWith($"the image is cut off ({path})", error.Message, StringComparison.Ordinal);
    }
}
