using Convoy.Lanes.Data;

namespace Convoy.Lanes.Tests.Data;

public class TuSimpleLabelFileTests
{
    private const string Good = """{"lanes": [[-2, 567.5], [3, -2]], "h_samples": [160, 170], "raw_file": "clips/a/1/20.jpg", "extra": 1}""";

    [Fact]
    public void Read_GoodLines_GivesThemInOrder()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("l.json", Good + "\n\n" + Good.Replace("a/1", "a/2", StringComparison.Ordinal));

        IReadOnlyList<TuSimpleLabel> labels = TuSimpleLabelFile.Read(path);

        Assert.Equal(["clips/a/1/20.jpg", "clips/a/2/20.jpg"], labels.Select(label => label.RawFile));
        Assert.Equal([-2, 567.5], labels[0].Lanes[0]);
        Assert.Equal([160, 170], labels[0].HSamples);
    }

    [Fact]
    public void Write_ThenRead_GivesTheSame()
    {
        using var folder = new TemporaryFolder();
        TuSimpleLabel[] labels = [SmallDataset.Label(0), SmallDataset.Label(3), new("x.jpg", [], [])];

        TuSimpleLabelFile.Write(folder.File("out.json"), labels);

        Assert.Equal(3, File.ReadAllLines(folder.File("out.json")).Length);
        Assert.Equivalent(labels, TuSimpleLabelFile.Read(folder.File("out.json")), strict: true);
    }

    [Theory]
    [InlineData("{\"lanes\": [[-2, 5], [3, -", "not valid JSON")]
    [InlineData("[1, 2]", "not a JSON object")]
    [InlineData("{\"lanes\": [], \"h_samples\": []}", "has no raw_file")]
    [InlineData("{\"lanes\": [], \"raw_file\": \"a\"}", "has no h_samples")]
    [InlineData("{\"h_samples\": [], \"raw_file\": \"a\"}", "has no lanes")]
    [InlineData("{\"lanes\": [[1]], \"h_samples\": [1, 2], \"raw_file\": \"a\"}", "lane 1 has 1 points, but h_samples has 2 rows")]
    [InlineData("{\"lanes\": [5], \"h_samples\": [1], \"raw_file\": \"a\"}", "not a list of numbers")]
    [InlineData("{\"lanes\": [[\"5\"]], \"h_samples\": [1], \"raw_file\": \"a\"}", "not a number")]
    [InlineData("{\"lanes\": [], \"h_samples\": [1], \"raw_file\": 3}", "raw_file is not a text")]
    [InlineData("{\"lanes\": [], \"h_samples\": [1, 3, 2], \"raw_file\": \"a\"}", "h_samples neither ascends nor descends")]
    [InlineData("{\"lanes\": [], \"h_samples\": [1], \"raw_file\": \"\"}", "raw_file is empty")]
    public void Read_BadThirdLine_NamesFileAndLine(string line, string expected)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("l.json", $"{Good}\n{Good}\n{line}\n{Good}\n");

        var error = Assert.Throws<BadInputException>(() => TuSimpleLabelFile.Read(path));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains($"({path}, line 3). ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Read_EmptyOrAbsentFile_SaysSo()
    {
        using var folder = new TemporaryFolder();
        string empty = folder.Write("l.json", "\n");

        Assert.Contains("holds no label", Assert.Throws<BadInputException>(() => TuSimpleLabelFile.Read(empty)).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<BadInputException>(() => TuSimpleLabelFile.Read(folder.File("no"))).Message, StringComparison.Ordinal);
    }
}
